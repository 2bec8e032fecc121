mod delete;
mod events;
mod list;
mod read;
mod role;
mod sessions;
mod update;
