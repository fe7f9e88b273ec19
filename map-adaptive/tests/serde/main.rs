//! Maps through serde: in a format that people read (JSON) and in one that puts the number of
//! entries in front (postcard).

mod format;
mod reading;
mod while_writing;
