//! The thread of the supervisor that shows the progress of a command.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use cli::form::{self, Form};
use failure::legible;

use crate::memory::{Made, Memory, Place, Slot, Text, Work};
use crate::rate::Rate;
use crate::screen::Screen;
use crate::view::View;
use crate::{json, news, text};

/// How often the line is drawn, and the memory is read.
const TICK: Duration = Duration::from_millis(200);
/// How often a whole line is written for people.
const PLAIN: Duration = Duration::from_secs(10);
/// How often a line of JSON is written.
const JSON: Duration = Duration::from_secs(1);
/// How long a stage has waited before that is shown.
const PATIENCE: Duration = Duration::from_secs(2);

enum Request {
    /// A line, now.
    Line,
    /// The end, with the exit status.
    End(u8),
}

/// Shows the progress of a command until its end.
pub struct Painter {
    requests: Sender<Request>,
    thread: JoinHandle<()>,
}

/// A handle that asks for a line.
#[derive(Clone)]
pub struct Asker(Sender<Request>);

impl Asker {
    /// Writes one line about the progress, whatever the form is.
    pub fn line(&self) {
        let _ = self.0.send(Request::Line);
    }
}

impl Painter {
    /// Starts to show the progress of a command; `title` is its name in messages. Without a thread for
    /// it nothing is shown.
    pub fn start(memory: Memory, command: &str, title: String) -> Option<Painter> {
        let (requests, asked) = channel();
        let command = command.to_owned();
        let thread = Builder::new().name("progress".into());
        let thread = thread.spawn(move || Canvas::new(memory, command, title).run(&asked)).ok()?;
        Some(Painter { requests, thread })
    }

    /// A handle for the thread that handles signals.
    pub fn asker(&self) -> Asker {
        Asker(self.requests.clone())
    }

    /// Removes the line, and shows what a command that has ended with this status has done.
    pub fn finish(self, status: u8) {
        let _ = self.requests.send(Request::End(status));
        let _ = self.thread.join();
    }
}

struct Canvas {
    memory: Memory,
    command: String,
    title: String,
    start: Instant,
    screen: Screen,
    work: Option<Work>,
    rate: Rate,
    /// The time of the last news that was shown, and of the last wait.
    news: Option<u64>,
    waited: Option<u64>,
    next: Instant,
}

impl Canvas {
    fn new(memory: Memory, command: String, title: String) -> Canvas {
        let (screen, start) = (Screen::new(), Instant::now());
        Canvas {
            memory,
            command,
            title,
            start,
            screen,
            work: None,
            rate: Rate::default(),
            news: None,
            waited: None,
            next: start,
        }
    }

    fn run(mut self, requests: &Receiver<Request>) {
        loop {
            match requests.recv_timeout(TICK) {
                Ok(Request::Line) => self.line(),
                Ok(Request::End(status)) => return self.end(status),
                Err(RecvTimeoutError::Timeout) => self.tick(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn form(&self) -> Form {
        Form::read(self.memory.file()).unwrap_or(Form::Nothing)
    }

    fn look(&mut self) {
        if let Some(work) = self.memory.read::<Work>(Slot::Work) {
            self.rate.see(Instant::now(), &work);
            self.work = Some(work);
        }
    }

    fn view(&self) -> View<'_> {
        let work = self.work.as_ref();
        let active = work.filter(|work| work.active);
        View {
            command: &self.command,
            elapsed: self.start.elapsed(),
            work,
            per_second: active.and_then(|_| self.rate.per_second()),
            left: active.and_then(|work| self.rate.left(work)),
        }
    }

    fn tick(&mut self) {
        self.look();
        let form = self.form();
        if form == Form::Nothing {
            return;
        }
        self.show_news(form);
        if self.show_wait(form) || self.work.is_none() {
            return;
        }
        match form {
            Form::Nothing => {}
            Form::Line => self.screen.draw(&self.progress()),
            Form::Plain if self.is_due(PLAIN) => self.line(),
            Form::Json if self.is_due(JSON) => {
                let view = self.view();
                let line = view.work.map(|work| json::progress(&view, work));
                line.iter().for_each(|line| self.screen.say(line));
            }
            Form::Plain | Form::Json => {}
        }
    }

    /// Whether a whole line is due, after that time.
    fn is_due(&mut self, pause: Duration) -> bool {
        let now = Instant::now();
        // The first line is written after the first pause.
        let is_due = self.next.max(self.start + pause) <= now;
        if is_due {
            self.next = now + pause;
        }
        is_due
    }

    /// The progress as text that no foreign name can make into commands of a terminal.
    fn progress(&self) -> String {
        legible::line(text::progress(&self.view()))
    }

    fn line(&mut self) {
        self.look();
        let line = format!("{}: {}", self.title, self.progress());
        self.screen.say(&line);
    }

    fn show_news(&mut self, form: Form) {
        let Some(news) = self.memory.read::<Text>(Slot::News) else { return };
        if news.since == self.news {
            return;
        }
        self.news = news.since;
        self.show(form, &news.text);
    }

    /// Shows what a stage waits for. Returns whether it takes the place of the progress.
    fn show_wait(&mut self, form: Form) -> bool {
        let Some(wait) = self.memory.read::<Text>(Slot::Wait) else { return false };
        let Some(since) = wait.since else { return false };
        let time = Duration::from_millis(news::now().saturating_sub(since));
        if time < PATIENCE {
            return false;
        }
        if form == Form::Line {
            self.screen.draw(&legible::line(text::wait(&wait.text, time)));
        } else if self.waited != wait.since {
            self.show(form, &text::wait(&wait.text, time));
        }
        self.waited = wait.since;
        true
    }

    fn show(&mut self, form: Form, text: &str) {
        let line = match form {
            Form::Json => json::message(&self.view(), text),
            _ => format!("{}: {}", self.title, legible::line(text)),
        };
        self.screen.say(&line);
    }

    fn end(mut self, status: u8) {
        self.look();
        let form = self.form();
        self.screen.forget();
        let made = self.memory.read::<Made>(Slot::Made);
        let place = self.memory.read::<Place>(Slot::Place);
        let lines = match form {
            Form::Nothing => Vec::new(),
            Form::Json => {
                let reason = form::reason(self.memory.file());
                vec![json::summary(&self.view(), status, made.as_ref(), place.as_ref(), reason)]
            }
            // The set is stored, even if some of the source could not be read.
            Form::Line | Form::Plain if status == 0 || (status == 3 && made.is_some()) => {
                let lines = text::summary(&self.view(), made.as_ref(), place.as_ref());
                let shown = |line| format!("{}: {}", self.title, legible::line(line));
                lines.into_iter().map(shown).collect()
            }
            Form::Line | Form::Plain => Vec::new(),
        };
        lines.iter().for_each(|line| self.screen.say(line));
    }
}
