//! Row 20: storage that takes 2 ms longer to sync, made by a library that is preloaded into PostgreSQL.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use super::super::figure::{Better, Figure, Quantity, median};
use super::super::ground::Ground;
use super::super::load::{HttpClient, Load, Measured};
use super::super::reference::{Way, Writer};
use super::super::row::{Line, NotMeasured};
use super::super::service::Service;
use super::super::stage::Stage;

const SOURCE: &str = "xtask/src/bench/fsync_delay.c";

/// Requests in flight at the service; the references are at their best with 64 sessions.
const CONNECTIONS: usize = 1024;

pub(in crate::bench) async fn measure(stage: &Stage) -> Result<Vec<Line>> {
    let library = build().map_err(|error| NotMeasured::because("slow storage", &error))?;
    let preload = vec![("LD_PRELOAD", library.into_os_string())];
    let ground = Ground::own(stage.backend, preload)?;
    let setup = ground.database("slow", &stage.setup.program).await?;
    let service = Service::start(&setup).await?;
    let run = |load: Load| load.run(stage.plan.warm_up, stage.plan.measure);

    let one = run(Writer::load(&setup.database, Way::Single, 1).await?).await?;
    let p50 = one.accepted_ms(50.0);
    if p50 < 2.0 {
        let reason = format!("the delay does not take: an INSERT needs {p50:.2} ms");
        return Err(NotMeasured(reason).into());
    }
    let (mut raw, mut served) = (vec![], vec![]);
    for _ in 0..stage.plan.rounds {
        let measured = run(Writer::load(&setup.database, Way::Single, 64).await?).await?;
        raw.push(measured.rate());
        let clients = HttpClient::singles(service.address, CONNECTIONS, &[201]).await?;
        let measured: Measured = run(Load::closed(clients)).await?;
        served.push(measured.rate());
    }
    service.stop().await?;
    let rate = Quantity(median(served), "/s");
    let reference = ("S", median(raw));
    let property = format!("slow storage, {CONNECTIONS} connections");
    let figure = Figure::ratio(property, rate, reference, Better::More, 2.0);
    Ok(vec![figure.stretch(3.0).into()])
}

/// Compiles the library to where the server's account can read it.
fn build() -> Result<PathBuf> {
    ensure!(cfg!(target_os = "linux"), "it is made for Linux");
    let library = ds_testkit::reachable_directory("bench")?.join("fsync_delay.so");
    let output = Command::new("cc")
        .args(["-shared", "-fPIC", "-O2", "-o"])
        .arg(&library)
        .arg(ds_testkit::workspace_root().join(SOURCE))
        .output()
        .context("there is no C compiler (cc)")?;
    if !output.status.success() {
        bail!("cc failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(library)
}
