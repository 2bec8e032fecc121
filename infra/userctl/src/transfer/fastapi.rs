//! The users table of a FastAPI service on `PostgreSQL`: as CSV with a header, as JSON Lines (`row_to_json`), or as the `COPY` of
//! `pg_dump`. An unknown column ends the reading with its name, so that no data is lost silently.

use std::collections::BTreeSet;
use std::io::BufRead;

use csv::StringRecord;
use serde_json::{Map, Value};
use template::Fault;
use user_core::error::Refusal;
use user_web::json::Unique;

use super::read::{Line, Lines, TextLines, csv_refusal, unreadable};
use super::row::Row;

/// The rows of a file.
///
/// # Errors
/// If the file cannot be read, has no header, no users table, or an unknown column.
pub fn rows(mut reader: Box<dyn BufRead>) -> Result<Lines, Fault> {
    let begin = String::from_utf8_lossy(reader.fill_buf()?).into_owned();
    let first = begin.trim_start().lines().next().unwrap_or_default();
    if first.is_empty() || first.starts_with('{') {
        return Ok(Box::new(TextLines::new(reader).filter_map(json_line)));
    }
    if first.starts_with("--") || ["COPY ", "SET ", "\\"].iter().any(|word| first.starts_with(word)) {
        return copy_rows(TextLines::new(reader));
    }
    let mut records = csv::Reader::from_reader(reader);
    let names = records.headers()?.iter().map(str::to_owned).collect::<Vec<_>>();
    check_columns(names.iter().map(String::as_str))?;
    Ok(Box::new(CsvRows { names, records }))
}

fn check_columns<'a>(names: impl Iterator<Item = &'a str>) -> Result<(), Fault> {
    let (mut row, mut seen) = (Row::default(), BTreeSet::new());
    for name in names {
        if !seen.insert(name) {
            return Err(format!("the column {name} is there twice").into());
        }
        if set(&mut row, name, None).is_none() {
            return Err(format!("the column {name} is not known here; leave it out to lose it").into());
        }
    }
    Ok(())
}

/// Puts a value into a row; `None` if the column is unknown.
fn set(row: &mut Row, column: &str, value: Option<String>) -> Option<Result<(), Refusal>> {
    let text = value.filter(|value| !value.is_empty());
    let flag = |default: bool| match text.as_deref() {
        None => Ok(default),
        Some("t" | "true" | "True" | "TRUE" | "1") => Ok(true),
        Some("f" | "false" | "False" | "FALSE" | "0") => Ok(false),
        Some(_) => Err(Refusal::new("unreadable", format!("{column} is neither true nor false"))),
    };
    let outcome = match column {
        "is_verified" => flag(false).map(|is| row.is_verified = is),
        "is_active" => flag(true).map(|is| row.is_active = is),
        "is_superuser" => flag(false).map(|is| {
            if is {
                row.role = Some("admin".to_owned());
            }
        }),
        // Unknown roles get the permissions of a user.
        "role" => {
            let admin = text.is_some_and(|role| role.eq_ignore_ascii_case("admin"));
            if admin {
                row.role = Some("admin".to_owned());
            }
            Ok(())
        }
        _ => {
            match column {
                "id" => row.id = text.unwrap_or_default(),
                "email" => row.email = text.unwrap_or_default(),
                "hashed_password" | "password_hash" => row.password_hash = text,
                "first_name" => row.first_name = text,
                "last_name" => row.last_name = text,
                "created_at" => row.created_at = text,
                "updated_at" => row.updated_at = text,
                "language" => row.language = text,
                _ => return None,
            }
            Ok(())
        }
    };
    Some(outcome)
}

fn row<'a>(values: impl Iterator<Item = (&'a str, Option<String>)>) -> Result<Row, Refusal> {
    let mut row = Row::default();
    for (column, value) in values {
        set(&mut row, column, value).unwrap_or(Ok(()))?;
    }
    Ok(row)
}

fn json_line(line: Result<(u64, String), Fault>) -> Option<Result<Line, Fault>> {
    let (number, text) = match line {
        Ok((_, text)) if text.trim().is_empty() => return None,
        Ok(line) => line,
        Err(error) => return Some(Err(error)),
    };
    let read =
        serde_json::from_str(&text).and_then(|Unique(value)| serde_json::from_value::<Map<String, Value>>(value));
    let object = match read {
        Ok(object) => object,
        Err(error) => return Some(Ok(Line { number, row: Err(unreadable(&error)) })),
    };
    if let Err(unknown) = check_columns(object.keys().map(String::as_str)) {
        return Some(Err(unknown));
    }
    let values = object.iter().map(|(column, value)| (column.as_str(), words(value)));
    Some(Ok(Line { number, row: row(values) }))
}

fn words(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

struct CsvRows {
    names: Vec<String>,
    records: csv::Reader<Box<dyn BufRead>>,
}

impl Iterator for CsvRows {
    type Item = Result<Line, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut record = StringRecord::new();
        match self.records.read_record(&mut record) {
            Ok(false) => None,
            Ok(true) => {
                let number = record.position().map_or(0, csv::Position::line);
                let values = record.iter().map(|value| Some(value.to_owned()));
                Some(Ok(Line { number, row: row(self.names.iter().map(String::as_str).zip(values)) }))
            }
            Err(error) => Some(csv_refusal(error)),
        }
    }
}

/// The rows of the first `COPY users (...) FROM stdin;` or `COPY "user" (...)`.
fn copy_rows(mut lines: TextLines) -> Result<Lines, Fault> {
    let names = loop {
        let Some(line) = lines.next() else {
            return Err("there is no COPY of a table users or \"user\" in this dump".into());
        };
        if let Some(names) = copied_columns(&line?.1) {
            break names;
        }
    };
    check_columns(names.iter().map(String::as_str))?;
    let mut ended = false;
    Ok(Box::new(std::iter::from_fn(move || {
        if ended {
            return None;
        }
        match lines.next() {
            None => {
                ended = true;
                Some(Err("the dump ends within the table of users".into()))
            }
            Some(Ok((_, text))) if text == "\\." => {
                ended = true;
                None
            }
            Some(line) => Some(line.map(|(number, text)| Line { number, row: copied_row(&names, &text) })),
        }
    })))
}

fn copied_columns(line: &str) -> Option<Vec<String>> {
    let (table, rest) = line.strip_prefix("COPY ")?.split_once('(')?;
    let (columns, end) = rest.split_once(')')?;
    let table = table.trim().rsplit('.').next()?.trim_matches('"');
    let copied = matches!(table, "users" | "user") && end.trim().eq_ignore_ascii_case("from stdin;");
    copied.then(|| columns.split(',').map(|name| name.trim().trim_matches('"').to_owned()).collect())
}

fn copied_row(names: &[String], text: &str) -> Result<Row, Refusal> {
    let values: Vec<_> = text.split('\t').map(unescaped).collect();
    if values.len() != names.len() {
        return Err(Refusal::new("unreadable", "the line has not as many fields as the COPY has columns"));
    }
    row(names.iter().map(String::as_str).zip(values))
}

/// A value of `COPY`'s text format; `\N` is `None`.
fn unescaped(value: &str) -> Option<String> {
    if value == "\\N" {
        return None;
    }
    let (mut text, mut rest) = (String::with_capacity(value.len()), value.chars());
    while let Some(letter) = rest.next() {
        if letter != '\\' {
            text.push(letter);
            continue;
        }
        match rest.next() {
            Some('b') => text.push('\u{8}'),
            Some('f') => text.push('\u{c}'),
            Some('n') => text.push('\n'),
            Some('r') => text.push('\r'),
            Some('t') => text.push('\t'),
            Some('v') => text.push('\u{b}'),
            Some(other) => text.push(other),
            None => {}
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "7\tAnn@example.com\t$2b$04$x\tAnn\\tB\t\\N\tadmin\tt\tf\t2026-11-23 08:00:00";
    const COLUMNS: &str = "id,email,hashed_password,first_name,last_name,role,is_active,is_verified,created_at";

    fn all(text: &str) -> Vec<Line> {
        let lines = rows(Box::new(std::io::Cursor::new(text.to_owned()))).map_err(|_| ()).unwrap();
        lines.map(|line| line.map_err(|_| ()).unwrap()).collect()
    }

    fn check(lines: &[Line], number: u64, name: &str) {
        assert_eq!((lines.len(), lines[0].number), (1, number));
        let row = lines[0].row.as_ref().map_err(|_| ()).unwrap();
        assert_eq!((row.id.as_str(), row.first_name.as_deref(), row.last_name.as_deref()), ("7", Some(name), None));
        assert_eq!((row.role.as_deref(), row.is_active, row.is_verified), (Some("admin"), true, false));
    }

    #[test]
    fn a_dump_a_csv_and_json_lines_say_the_same() {
        let dump = format!(
            "--\n-- PostgreSQL\nCOPY public.cups (id) FROM stdin;\n1\n\\.\nCOPY public.users ({}) FROM stdin;\n{LINE}\n\\.\nrest\n",
            COLUMNS.replace(',', ", ")
        );
        check(&all(&dump), 7, "Ann\tB");
        check(&all(&format!("{COLUMNS}\n7,Ann@example.com,$2b$04$x,Ann,,admin,t,f,2026-11-23\n")), 2, "Ann");
        let json = r#"{"id":7,"email":"a@b.cc","first_name":"Ann","last_name":null,"role":"admin","is_active":true,"is_verified":false}"#;
        check(&all(json), 1, "Ann");
    }

    #[test]
    fn a_column_that_is_there_twice_is_named_and_a_key_that_is_rejects_its_line() {
        for text in ["id,email,id\n1,a@b.cc,2\n", "COPY users (id, email, id) FROM stdin;\n1\ta@b.cc\t2\n\\.\n"] {
            let refused = rows(Box::new(std::io::Cursor::new(text.to_owned()))).err().map(|fault| fault.to_string());
            assert_eq!(refused.as_deref(), Some("the column id is there twice"));
        }
        let lines = all("{\"id\":1,\"email\":\"a@b.cc\",\"\\u0069d\":2}\n{\"id\":3,\"email\":\"c@d.ee\"}\n");
        let found: Vec<_> = lines.iter().map(|line| line.row.as_ref().map_err(|why| why.detail.as_str())).collect();
        assert!(found[0].is_err_and(|why| why.starts_with("a key is there twice")) && found[1].is_ok());
    }

    #[test]
    fn a_column_that_is_not_known_is_named() {
        for text in ["id,email,shoe_size\n", "{\"id\":1,\"shoe_size\":2}", "COPY users (id, shoe_size) FROM stdin;\n"] {
            let refused = match rows(Box::new(std::io::Cursor::new(text.to_owned()))) {
                Err(fault) => fault.to_string(),
                Ok(mut lines) => lines.next().and_then(Result::err).map(|fault| fault.to_string()).unwrap_or_default(),
            };
            assert!(refused.contains("shoe_size"), "{refused}");
        }
    }
}
