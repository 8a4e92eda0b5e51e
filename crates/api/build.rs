//! Embeds the console: `web/dist`, as `npm run build` left it. Without it the host says how to build it.

use std::{
    env,
    fmt::Write as _,
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io,
    path::{Path, PathBuf},
};

fn main() -> io::Result<()> {
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    // The folder is in the repository, empty: cargo would build anew each time for a path that is not there.
    let dist = fs::canonicalize(manifest.join("../../web/dist"))?;
    println!("cargo::rerun-if-changed={}", dist.display());
    let (files, built) =
        if dist.join("index.html").is_file() { (dist, true) } else { (manifest.join("src/assets/unbuilt"), false) };
    let mut table = format!("/// Whether the console was built before the host.\npub const BUILT: bool = {built};\n");
    table.push_str("static FILES: &[File] = &[\n");
    for path in files_below(&files)? {
        entry(&mut table, &files, &path)?;
    }
    table.push_str("];\n");
    fs::write(PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("console.rs"), table)
}

/// One line of the table; what was compressed beforehand stands beside the plain file.
fn entry(table: &mut String, root: &Path, path: &Path) -> io::Result<()> {
    println!("cargo::rerun-if-changed={}", path.display());
    let name = path.strip_prefix(root).expect("it lies below").to_string_lossy().into_owned();
    let mut hasher = DefaultHasher::new();
    fs::read(path)?.hash(&mut hasher);
    let packed = PathBuf::from(format!("{}.br", path.display()));
    let brotli = if packed.is_file() { format!("Some(include_bytes!({packed:?}))") } else { "None".to_owned() };
    let etag = format!("\"{:016x}\"", hasher.finish());
    writeln!(
        table,
        "    File {{ path: {:?}, etag: {etag:?}, plain: include_bytes!({path:?}), brotli: {brotli} }},",
        format!("/{name}")
    )
    .map_err(io::Error::other)
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// Every file but the hidden ones and the compressed twins, in the order of their names.
fn files_below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(files_below(&path)?);
        } else if path.extension().is_none_or(|kind| kind != "br") && !is_hidden(&path) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
