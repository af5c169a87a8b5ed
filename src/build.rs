//! Names the build by what it is made of, so that the parts of a cluster can tell whether they are of one.

use std::fs;
use std::path::{Path, PathBuf};

fn main() {
    // As it is now: what was compiled elsewhere may have been kept.
    let root = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default();
    let root = Path::new(&root);
    let mut files = vec![root.join("Cargo.lock")];
    for folder in ["src", "queries", "data", "udfs/src"] {
        println!("cargo::rerun-if-changed={folder}");
        gather(&root.join(folder), &mut files);
    }
    println!("cargo::rerun-if-changed=Cargo.lock");
    files.sort();
    let mut stamp = Fnv(0xcbf2_9ce4_8422_2325);
    for file in &files {
        stamp.add(
            file.to_string_lossy()
                .as_bytes()
                .get(root.as_os_str().len()..),
        );
        stamp.add(fs::read(file).ok().as_deref());
    }
    println!("cargo::rustc-env=APPORTION_BUILD={:016x}", stamp.0);
}

fn gather(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            gather(&path, files);
        } else {
            files.push(path);
        }
    }
}

/// FNV-1a, 64 bits wide: the same for the same bytes on every machine.
struct Fnv(u64);

impl Fnv {
    fn add(&mut self, bytes: Option<&[u8]>) {
        for byte in bytes.into_iter().flatten() {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}
