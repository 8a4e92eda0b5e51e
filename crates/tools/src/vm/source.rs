//! Where the machine looks for updates: a folder over plain HTTP, as its maker would publish it. What is in it is signed.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use anyhow::{Context as _, Result};

/// A server; what it offers can be changed. It ends with the process.
pub(crate) struct Source {
    folder: Arc<Mutex<PathBuf>>,
}

impl Source {
    /// Offers nothing yet.
    pub(crate) fn open(port: u16) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .with_context(|| format!("port {port} of loopback, where the test images look for updates"))?;
        let folder = Arc::new(Mutex::new(PathBuf::from("/nonexistent")));
        let offered = Arc::clone(&folder);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let folder = offered.lock().unwrap_or_else(PoisonError::into_inner).clone();
                thread::spawn(move || answer(stream, &folder));
            }
        });
        Ok(Self { folder })
    }

    /// From now on it offers what is in this folder.
    pub(crate) fn offer(&self, folder: PathBuf) {
        *self.folder.lock().unwrap_or_else(PoisonError::into_inner) = folder;
    }
}

fn answer(mut stream: TcpStream, folder: &std::path::Path) -> io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let name = request.split(' ').nth(1).unwrap_or_default().trim_start_matches('/');
    let file = if name.contains("..") { None } else { File::open(folder.join(name)).ok() };
    let Some(mut file) = file.filter(|file| file.metadata().is_ok_and(|of| of.is_file())) else {
        return stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    };
    let length = file.metadata()?.len();
    write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n")?;
    io::copy(&mut file, &mut stream).map(drop)
}
