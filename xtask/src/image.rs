//! `cargo xtask image`: the container image `ds-test:17`, for machines that reach no registry of images
//! but do reach a Debian mirror.

use std::fs::{copy, create_dir_all, read_dir, read_to_string, remove_dir_all, set_permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use ds_testkit::LOCAL_IMAGE;

/// The release that has PostgreSQL 17, pgvector 0.8 and Redis 8.
const RELEASE: &str = "trixie";
const PACKAGES: &str = "postgresql-17,postgresql-17-pgvector,redis-server";

/// Used when this machine's own sources name no mirror of Debian.
const PUBLIC_MIRROR: &str = "http://deb.debian.org/debian";

/// Not needed to run either server; halves the image.
const SUPERFLUOUS: [&str; 6] = [
    "var/lib/apt/lists",
    "var/cache/apt/archives",
    "usr/share/doc",
    "usr/share/man",
    "usr/share/locale",
    "usr/share/info",
];

/// Arguments of `image`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Build it even if it is there.
    #[arg(long)]
    force: bool,
}

/// Builds the image unless it is there.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    if ds_testkit::has_image(LOCAL_IMAGE)? && !arguments.force {
        println!("{LOCAL_IMAGE} is there.");
        return Ok(ExitCode::SUCCESS);
    }
    let begun = Instant::now();
    let work = std::env::temp_dir().join(format!("ds-image-{}", std::process::id()));
    create_dir_all(&work).context("cannot create a directory to work in")?;
    let built = build(&work.join("root"));
    remove_dir_all(&work).with_context(|| format!("cannot remove {}", work.display()))?;
    built?;
    println!("Built {LOCAL_IMAGE} in {} s.", begun.elapsed().as_secs());
    Ok(ExitCode::SUCCESS)
}

fn build(root: &Path) -> Result<()> {
    let mirror = mirror();
    println!("Installing {PACKAGES} of {RELEASE} from {mirror}");
    let output = Command::new("debootstrap")
        .args([
            "--variant=minbase",
            &format!("--include={PACKAGES}"),
            RELEASE,
        ])
        .arg(root)
        .arg(&mirror)
        .stdin(Stdio::null())
        .output()
        .context("cannot run debootstrap (apt-get install debootstrap)")?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stdout);
        let tail: Vec<&str> = text.lines().rev().take(10).collect();
        let tail: Vec<&str> = tail.into_iter().rev().collect();
        bail!(
            "debootstrap failed ({}); it needs root:\n{}",
            output.status,
            tail.join("\n")
        );
    }
    for directory in SUPERFLUOUS {
        let directory = root.join(directory);
        if directory.exists() {
            remove_dir_all(&directory)
                .with_context(|| format!("cannot remove {}", directory.display()))?;
        }
    }
    let entry_point = root.join("usr/local/bin/ds-entrypoint");
    let script = ds_testkit::workspace_root().join("crates/ds-testkit/image/entrypoint.sh");
    copy(&script, &entry_point).context("cannot copy the entry point")?;
    set_permissions(&entry_point, PermissionsExt::from_mode(0o755))
        .context("cannot make the entry point executable")?;
    import(root)
}

/// `tar` writes the files, the engine makes a single layer of them.
fn import(root: &Path) -> Result<()> {
    let mut tar = Command::new("tar")
        .arg("-C")
        .arg(root)
        .args(["--exclude=./dev", "-c", "."])
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run tar")?;
    let layer = tar.stdout.take().context("tar has no output")?;
    let imported = Command::new("docker")
        .args([
            "import",
            "--change",
            r#"ENTRYPOINT ["/usr/local/bin/ds-entrypoint"]"#,
        ])
        .args([
            "--change",
            "USER postgres",
            "--change",
            "EXPOSE 5432 6379",
            "-",
            LOCAL_IMAGE,
        ])
        .stdin(layer)
        .stdout(Stdio::null())
        .status()
        .context("cannot run docker (apt-get install docker.io)")?;
    let written = tar.wait().context("cannot wait for tar")?;
    if !imported.success() || !written.success() {
        bail!("the image could not be imported (docker: {imported}, tar: {written})");
    }
    Ok(())
}

/// The mirror this machine's own packages come from.
fn mirror() -> String {
    let mut files = vec![PathBuf::from("/etc/apt/sources.list")];
    if let Ok(entries) = read_dir("/etc/apt/sources.list.d") {
        files.extend(entries.flatten().map(|entry| entry.path()));
    }
    let texts = files.iter().filter_map(|file| read_to_string(file).ok());
    let found = texts.filter_map(|text| mirror_in(&text)).next();
    found.unwrap_or_else(|| PUBLIC_MIRROR.to_owned())
}

/// The first address of a Debian archive in a file of either format apt knows.
fn mirror_in(sources: &str) -> Option<String> {
    sources
        .lines()
        .filter(|line| line.starts_with("deb ") || line.starts_with("URIs:"))
        .flat_map(str::split_whitespace)
        .map(|word| word.trim_end_matches('/'))
        .find(|word| word.starts_with("http") && word.ends_with("/debian"))
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirror_is_read_from_both_formats() {
        let one_line = "# deb http://old/debian x main\ndeb [signed-by=/k] http://a.test/debian/ bookworm main\n";
        assert_eq!(mirror_in(one_line).as_deref(), Some("http://a.test/debian"));
        let deb822 = "Types: deb\nURIs: https://b.test/debian\nSuites: bookworm\n";
        assert_eq!(mirror_in(deb822).as_deref(), Some("https://b.test/debian"));
    }

    #[test]
    fn other_archives_are_no_mirror() {
        let sources = "deb http://a.test/debian-security x main\ndeb http://b.test/apt y main\n";
        assert_eq!(mirror_in(sources), None);
    }
}
