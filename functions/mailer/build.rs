//! Embeds the templates of emails.

fn main() {
    minijinja_embed::embed_templates!("templates");
}
