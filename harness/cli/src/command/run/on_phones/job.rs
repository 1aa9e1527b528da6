//! A job on one phone, from the push to the results at home.

use std::{
    io::Write,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, bail};
use pocketwatt_phone::{
    adb::Adb,
    host::{Connection, FollowEnd, Followed, Follower, StartedProgram, Upload, pause, push_all},
    job::{JobFolder, JobId, JobLife, JobReport, JobRequest, ROOT, Stage, Untethered, start_command, started_line},
};
use pocketwatt_protocol::{Clock, MonotonicClock, wall_clock_unix_ms};
use pocketwatt_record::RunFolder;

use super::{super::RunArguments, materials::PhoneMaterials};
use crate::{
    command::stored_run,
    exit::Exit,
    phone::{Chosen, Inputs, bring_home, cases, restored},
    refusal::Refusal,
    report::output::{date, waiting_time},
};

/// A job has begun when its state is there, within this time.
const START: Duration = Duration::from_secs(30);
/// A tethered phone that is out of reach is waited for this long.
const TETHERED: Duration = Duration::from_secs(300);
/// One without its cable is expected back in three times the time of its plan, and this.
const UNTETHERED: Duration = Duration::from_secs(3600);
/// A phone that a command has unplugged is left alone for at least this long.
const LEAST_ALONE: Duration = Duration::from_secs(60);
/// Seconds between two signs of life of a phone, for tests; three that do not come are a lost connection.
const BEAT: &str = "POCKETWATT_PHONE_BEAT_S";
/// Files that take a moment are announced.
const ANNOUNCED_BYTES: u64 = 20 << 20;

/// How it ended, seen from here.
#[derive(Debug)]
pub(super) enum JobEnd {
    /// The results are at home.
    Home {
        /// Its run.
        run: RunFolder,
        /// What follows from how the run on the phone ended.
        exit: Exit,
    },
    /// It goes on without this program, or there are no results.
    Left(Exit),
}

/// A phone, and what is asked of it.
#[derive(Debug)]
pub(super) struct JobOnPhone<'a> {
    connection: Connection<'a>,
    phone: &'a Chosen,
    arguments: &'a RunArguments,
    stop: Arc<AtomicBool>,
    /// Whether it is the only one: then lines have no name before them.
    is_one: bool,
}

impl<'a> JobOnPhone<'a> {
    pub fn new(
        adb: &'a Adb,
        phone: &'a Chosen,
        arguments: &'a RunArguments,
        stop: Arc<AtomicBool>,
        is_one: bool,
    ) -> Self {
        Self { connection: phone.connection(adb), phone, arguments, stop, is_one }
    }

    /// Pushes, starts, waits, and brings the results home.
    pub fn begin(&mut self, materials: &PhoneMaterials) -> Result<JobEnd> {
        self.push(&materials.uploads)?;
        let started = StartedProgram::start(&self.connection, env!("CARGO_PKG_VERSION"))?;
        if let Some(bytes) = started.page_bytes.filter(|bytes| *bytes > 4096) {
            self.say(&format!("its kernel has pages of {bytes} bytes"));
        }
        self.put_in_order()?;
        let id = new_id(&self.phone.name)?;
        self.send_request(&id, materials)?;
        self.start(&id)?;
        let estimate = waiting_time(materials.estimate_s);
        self.say(&format!(
            "the phone measures {} by itself (on this machine it would take about {estimate}); Ctrl-C ends the waiting and not the \
             phone: `pocketwatt phone status` and `pocketwatt phone fetch` find it again",
            cases(materials.cases)
        ));
        self.wait_and_bring_home(&id, materials.estimate_s)
    }

    /// Goes on with a job that was interrupted on the phone, or waits for one that is going on.
    pub fn go_on(&mut self) -> Result<JobEnd> {
        self.restore()?;
        let mut jobs = self.connection.jobs()?;
        jobs.sort_by_key(|job| job.state.since_unix_ms);
        let wanted = self.arguments.resume.as_deref().filter(|wanted| *wanted != stored_run::LATEST);
        let found = jobs.into_iter().rev().find(|job| wanted.is_none_or(|wanted| job.state.id.to_string() == wanted));
        let Some(job) = found else {
            let which = wanted.map_or_else(|| "no job".to_owned(), |wanted| format!("no job {wanted:?}"));
            return Err(Refusal::error(format!("there is {which} on the phone: `pocketwatt phone status` lists them")));
        };
        let id = &job.state.id;
        if job.life != JobLife::Running {
            let is_done = job.state.stage == Stage::Ended { status: 0 };
            if is_done && !self.arguments.retry {
                self.say(&format!("job {id} has measured everything"));
                return self.bring(&job);
            }
            // One that ended before its run began is carried out as it was asked for.
            if self.has_run(id)? {
                self.resume_request(id)?;
            }
            self.start(id)?;
        }
        self.say(&format!("job {id} goes on"));
        self.wait_and_bring_home(id, 0.0)
    }

    fn say(&self, words: &str) {
        match self.is_one {
            true => notice!("{words}"),
            false => notice!("{}: {words}", self.phone.name),
        }
    }

    fn push(&self, uploads: &[Upload]) -> Result<()> {
        let pushed = push_all(&self.connection, uploads, |upload, bytes| {
            if bytes >= ANNOUNCED_BYTES {
                self.say(&format!("sending {} ({} MB)", upload.to, bytes / 1_000_000));
            }
        })?;
        if pushed.files > 0 {
            self.say(&format!(
                "sent {} files ({} MB); {} were there",
                pushed.files,
                pushed.bytes / 1_000_000,
                pushed.there
            ));
        }
        Ok(())
    }

    /// A phone that an earlier job left in disorder is put in order, and one that is measuring is left alone.
    fn put_in_order(&self) -> Result<()> {
        self.restore()?;
        let running = self.connection.jobs()?.into_iter().find(|job| job.life == JobLife::Running);
        match running {
            None => Ok(()),
            Some(job) => Err(Refusal::error(format!(
                "the phone {} is measuring already, job {}: wait for it with `pocketwatt run --phone --resume {0}`, or end it with `pocketwatt phone \
                 stop`",
                self.phone.name, job.state.id
            ))),
        }
    }

    fn restore(&self) -> Result<()> {
        for line in self.connection.restore()? {
            self.say(&restored(&line));
        }
        Ok(())
    }

    fn send_request(&self, id: &JobId, materials: &PhoneMaterials) -> Result<()> {
        let written = tempfile::tempdir().context("cannot create a folder for the request")?;
        let folder = format!("jobs/{id}");
        let stored_run = |wanted: &str| -> Result<PathBuf> {
            Ok(stored_run::find(&self.arguments.results, wanted)?.path().to_owned())
        };
        let inputs = Inputs::new(&self.arguments.given, &folder, &materials.scenarios, written.path(), stored_run)?;
        let mut words = vec![self.arguments.command.clone()];
        words.extend(inputs.words);
        words.push(format!("--device={}", self.phone.name));
        if !self.arguments.given.iter().any(|given| given.id == "cool_down") {
            words.push("--cool-down=first".into());
        }
        self.push(&inputs.uploads)?;
        self.send(&self.request(id, words, Some(materials.cases)))
    }

    fn request(&self, id: &JobId, arguments: Vec<String>, cases: Option<u32>) -> JobRequest {
        JobRequest {
            id: id.clone(),
            pocketwatt: env!("CARGO_PKG_VERSION").into(),
            arguments,
            cases,
            keep_awake: true,
            untethered: self.untethered(),
        }
    }

    fn untethered(&self) -> Option<Untethered> {
        self.arguments.phones.cable.untethered()
    }

    fn has_run(&self, id: &JobId) -> Result<bool> {
        let job = JobFolder::new(ROOT.as_ref(), id).path().display().to_string();
        let command =
            format!("for run in {job}/results/*/*/run.json; do if [ -f \"$run\" ]; then echo \"$run\"; fi; done");
        let found = self.connection.ask("look for a stored run", &command, START)?;
        Ok(!found.trim().is_empty())
    }

    fn resume_request(&self, id: &JobId) -> Result<()> {
        let mut words = vec!["run".to_owned(), "--resume".into()];
        words.extend(self.arguments.retry.then(|| "--retry".to_owned()));
        self.send(&self.request(id, words, None))
    }

    fn send(&self, request: &JobRequest) -> Result<()> {
        let mut file = tempfile::NamedTempFile::new().context("cannot write the request")?;
        serde_json::to_writer(&mut file, request)?;
        file.flush()?;
        let to = JobFolder::new("".as_ref(), &request.id).request().display().to_string();
        let upload = Upload { from: file.path().to_owned(), to, is_program: false };
        push_all(&self.connection, &[upload], |_, _| {})?;
        Ok(())
    }

    fn start(&self, id: &JobId) -> Result<()> {
        let said = self.connection.ask("start the job", &start_command(ROOT, id), START)?;
        if !said.lines().any(|line| line == started_line(id)) {
            bail!("the phone did not say that it began: {}", said.trim());
        }
        let begun = MonotonicClock.now();
        while MonotonicClock.now().since(begun) < START.as_nanos() as u64 {
            let job = match self.connection.jobs() {
                // It has begun, and is found again by those who wait for it.
                Err(error) if error.is_lost_connection() => return Ok(()),
                jobs => jobs?.into_iter().find(|job| job.state.id == *id),
            };
            match job {
                Some(job) if job.state.stage == Stage::Failed => {
                    bail!("the phone could not begin: {}", job.state.words.unwrap_or_default());
                }
                Some(job) if job.life != JobLife::Died => return Ok(()),
                _ => std::thread::sleep(Duration::from_millis(500)),
            }
        }
        bail!("the job was started, and nothing is heard of it: `pocketwatt phone status` may know more")
    }

    fn wait_and_bring_home(&mut self, id: &JobId, estimate_s: f64) -> Result<JobEnd> {
        let cable = &self.arguments.phones.cable;
        if self.untethered().is_some()
            && let Err(error) = cable.unplug(&self.phone.name)
        {
            // It would wait for that for minutes.
            let _ = self.connection.stop(id);
            return Err(error);
        }
        if self.arguments.phones.detach {
            return Ok(JobEnd::Left(Exit::Success));
        }
        let patience = match self.untethered() {
            None => TETHERED,
            Some(_) => UNTETHERED + Duration::from_secs_f64(3.0 * estimate_s.clamp(0.0, 1e6)),
        };
        let mut follower = Follower::new(self.connection, id.clone(), patience);
        if let Some(seconds) = std::env::var(BEAT).ok().and_then(|text| text.parse().ok()) {
            follower = follower.with_beat(Duration::from_secs(seconds));
        }
        if cable.has_plug_command() {
            self.leave_alone(id, estimate_s)?;
        }
        match follower.follow(|| self.is_stopped(), |followed| self.tell(followed))? {
            FollowEnd::Ended(report) => self.bring(&report),
            FollowEnd::Interrupted => {
                self.say(&format!(
                    "the phone goes on with job {id}: `pocketwatt phone status` says how far it is, `pocketwatt phone fetch` brings home what is stored, \
                     `pocketwatt phone stop` ends it"
                ));
                Ok(JobEnd::Left(Exit::Interrupted))
            }
            FollowEnd::Unreachable { words } => bail!(
                "the phone is out of reach ({words}), and may still be measuring job {id}: connect it, and bring home what it has with `pocketwatt phone \
                 fetch`, or go on with `pocketwatt run --phone --resume`"
            ),
        }
    }

    /// Leaves a phone that a command has unplugged alone until its run should have ended, and plugs it in; for longer if it has not.
    fn leave_alone(&self, id: &JobId, estimate_s: f64) -> Result<()> {
        let cable = &self.arguments.phones.cable;
        let mut time = Duration::from_secs_f64(estimate_s.clamp(0.0, 1e6)) * 2 + LEAST_ALONE;
        loop {
            self.say(&format!("the phone is left alone for about {}", waiting_time(time.as_secs_f64())));
            if pause(time, &mut || self.is_stopped()) {
                return cable.plug();
            }
            cable.plug()?;
            let goes_on = self.found_again(id)?.is_some_and(|job| job.life == JobLife::Running);
            if !goes_on {
                return Ok(());
            }
            self.say("its run has not ended yet");
            cable.unplug(&self.phone.name)?;
            time = (time / 2).max(LEAST_ALONE);
        }
    }

    /// The job, once the phone answers again; `None` if it does not for some minutes.
    fn found_again(&self, id: &JobId) -> Result<Option<JobReport>> {
        while self.connection.find_again(TETHERED, || self.is_stopped()) {
            match self.connection.jobs() {
                Err(error) if error.is_lost_connection() => {}
                jobs => return Ok(jobs?.into_iter().find(|job| job.state.id == *id)),
            }
        }
        Ok(None)
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn tell(&self, followed: Followed) {
        match followed {
            // Where the phone has its results is of no use here.
            Followed::Goes { state, log } => {
                let place = format!("/jobs/{}/results/", state.id);
                log.lines().filter(|line| !line.contains(&place)).for_each(|line| self.say(line));
            }
            Followed::Lost { .. } if self.untethered().is_some() => {
                self.say("the phone is on its own now");
            }
            Followed::Lost { words } => {
                self.say(&format!("the connection is lost ({words}); the phone goes on by itself, and is looked for"));
            }
            Followed::Found => self.say("the phone is back"),
        }
    }

    /// Brings home what a job that has ended has stored.
    fn bring(&self, report: &JobReport) -> Result<JobEnd> {
        let id = &report.state.id;
        let home = bring_home(&self.connection, report, &self.arguments.results)?;
        self.restore()?;
        if let Some(words) = &report.state.words {
            self.say(words);
        }
        match report.life {
            JobLife::InterruptedByReboot => self.say(&format!(
                "job {id} was interrupted by a restart of the phone; what it had measured is stored, and `pocketwatt run --phone --resume {id}` goes on"
            )),
            JobLife::Died => self.say(&format!(
                "job {id} was ended by the phone; what it had measured is stored, and `pocketwatt run --phone --resume {id}` goes on"
            )),
            JobLife::Ended | JobLife::Running => {}
        }
        let exit = exit_of(report);
        match home.runs.into_iter().find(RunFolder::has_cases) {
            Some(run) => Ok(JobEnd::Home { run, exit }),
            None if exit == Exit::Success => Ok(JobEnd::Left(Exit::NothingMeasured)),
            None => Ok(JobEnd::Left(exit)),
        }
    }
}

/// What follows here from how a run ended there.
fn exit_of(report: &JobReport) -> Exit {
    match (report.life, report.state.stage) {
        (JobLife::Ended, Stage::Ended { status }) => Exit::from_status(status).unwrap_or(Exit::Broken),
        (JobLife::Ended, _) => Exit::Broken,
        _ => Exit::Incomplete,
    }
}

/// The name says when it was asked for; the second part tells those of one moment apart.
fn new_id(name: &str) -> Result<JobId> {
    let moment = wall_clock_unix_ms();
    let part: String =
        pocketwatt_files::sha256(format!("{name} {moment} {}", std::process::id())).chars().take(6).collect();
    Ok(JobId::try_from(format!("{}-{part}", date::stamp(moment)))?)
}
