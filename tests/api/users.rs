mod delete;
mod list;
mod read;
mod role;
mod sessions;
mod update;
