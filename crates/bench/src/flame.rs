//! A flame graph: stacks as `perf script` prints them become one SVG. The wider a frame, the more of the time was spent in
//! it and above it; its colour says whose code it is.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, Write as _};

use crate::Failure;

const WIDTH: f64 = 1400.0;
const ROW: usize = 17;
/// Narrower frames are left out, a thousandth of the time.
const LEAST: f64 = WIDTH / 1000.0;
/// Where a task's own stack begins; below it is the runtime's loop, the same for all.
const TASK: &str = "worker::Context::run_task";

/// A frame: how many samples it had, and who was called from it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Frame {
    samples: usize,
    calls: BTreeMap<String, Frame>,
}

/// From standard input to standard output.
pub fn run(title: &str) -> Result<(), Failure> {
    let root = read(std::io::stdin().lock())?;
    if root.samples == 0 {
        return Err("there are no stacks on standard input; it wants what `perf script` prints".into());
    }
    Ok(std::io::stdout().lock().write_all(svg(&root, title).as_bytes())?)
}

/// Stacks are printed innermost frame first and end with an empty line.
fn read(input: impl BufRead) -> Result<Frame, Failure> {
    let (mut root, mut stack) = (Frame::default(), Vec::new());
    for line in input.lines() {
        let line = line?;
        if line.trim().is_empty() {
            root.add(&std::mem::take(&mut stack));
        } else if line.starts_with(char::is_whitespace) {
            stack.push(name(&line));
        }
    }
    root.add(&stack);
    Ok(root)
}

/// The function in `  55d0c1 tokio::net::TcpStream::try_write+0x53 (/path)`.
fn name(line: &str) -> String {
    let line = line.trim();
    let symbol = line.split_once(' ').map_or(line, |(_, rest)| rest);
    let kernel = symbol.contains("kernel.kallsyms");
    let symbol = symbol.rsplit_once(" (").map_or(symbol, |(symbol, _)| symbol);
    let symbol = symbol.rsplit_once("+0x").map_or(symbol, |(symbol, _)| symbol);
    let symbol = symbol.replace("::{{closure}}", "").replace("{{vtable.shim}}", "");
    if kernel { format!("kernel: {symbol}") } else { symbol }
}

impl Frame {
    fn add(&mut self, stack: &[String]) {
        if stack.is_empty() {
            return;
        }
        let until = stack.iter().position(|name| name.ends_with(TASK)).unwrap_or(stack.len());
        self.samples += 1;
        let mut at = self;
        for name in stack[..until].iter().rev().filter(|name| !name.contains("[unknown]")) {
            at = at.calls.entry(name.clone()).or_default();
            at.samples += 1;
        }
    }

    fn depth(&self) -> usize {
        1 + self.calls.values().map(Self::depth).max().unwrap_or(0)
    }
}

fn svg(root: &Frame, title: &str) -> String {
    let height = root.depth() * ROW + 40;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"monospace\" font-size=\"11\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n<text x=\"8\" y=\"20\" font-size=\"15\" font-family=\"sans-serif\">{} \
         ({} samples; orange: Tollgate, blue: hyper and tokio, red: memory, grey: the kernel)</text>\n",
        escaped(title),
        root.samples
    );
    draw(&mut out, root, "all", (0.0, WIDTH), (height - ROW, root.samples));
    out.push_str("</svg>\n");
    out
}

/// A frame and what stands on it. `(x, width)`, `(y, all samples)`.
fn draw(out: &mut String, frame: &Frame, name: &str, (x, width): (f64, f64), (y, all): (usize, usize)) {
    if width < LEAST {
        return;
    }
    let share = share(frame.samples, all) * 100.0;
    let text = escaped(name);
    let _ = write!(
        out,
        "<g><title>{text}: {share:.1} %</title><rect x=\"{x:.1}\" y=\"{y}\" width=\"{:.1}\" height=\"{}\" rx=\"1\" fill=\"{}\"/>",
        (width - 0.5).max(0.4),
        ROW - 1,
        colour(name)
    );
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few hundred letters at most")]
    let letters = ((width - 4.0) / 6.7).max(0.0) as usize;
    if letters > 3 {
        let short: String = shortened(name).chars().take(letters).collect();
        let _ = write!(out, "<text x=\"{:.1}\" y=\"{}\">{}</text>", x + 2.0, y + 12, escaped(&short));
    }
    out.push_str("</g>\n");
    let mut left = x;
    for (name, call) in &frame.calls {
        let wide = width * share_of(call, frame);
        draw(out, call, name, (left, wide), (y.saturating_sub(ROW), all));
        left += wide;
    }
}

fn share_of(call: &Frame, frame: &Frame) -> f64 {
    share(call.samples, frame.samples)
}

#[expect(clippy::cast_precision_loss, reason = "counts of samples")]
fn share(part: usize, all: usize) -> f64 {
    part as f64 / all.max(1) as f64
}

/// The last two names of a path; tooltips have the whole.
fn shortened(name: &str) -> &str {
    let plain = name.split('<').next().filter(|plain| !plain.is_empty()).unwrap_or(name);
    let mut starts = plain.rmatch_indices("::").map(|(at, _)| at + 2);
    let start = starts.nth(1).unwrap_or(0);
    &name[start..]
}

fn colour(name: &str) -> &'static str {
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if name.starts_with("kernel: ") {
        "#c3c9d1"
    } else if has(&["mi_", "malloc", "free", "memcpy", "memmove", "memset", "drop_in_place"]) {
        "#f28b82"
    } else if has(&["tollgate"]) {
        "#f6a54c"
    } else if has(&["hyper", "tokio", "h2::"]) {
        "#8ab4f8"
    } else {
        "#f5dd90"
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stacks_are_folded_from_the_task_on() {
        let printed = "\
tokio-rt-worker  1 2.3:  2004008 cpu-clock: \n\
\tffff01 tcp_sendmsg+0x35 ([kernel.kallsyms])\n\
\t  0a01 tollgate_server::edge::serve::{{closure}}+0x1 (/x)\n\
\t  0a02 tokio::runtime::scheduler::multi_thread::worker::Context::run_task+0x2 (/x)\n\
\t  0a03 start_thread+0x3 (/x)\n\
\n\
tokio-rt-worker  1 2.4:  2004008 cpu-clock: \n\
\t  0a01 tollgate_server::edge::serve::{{closure}}+0x9 (/x)\n\
\tffffff [unknown] ([unknown])\n\
\n";
        let root = read(printed.as_bytes()).unwrap();
        assert_eq!(root.samples, 2);
        let serve = &root.calls["tollgate_server::edge::serve"];
        assert_eq!(serve.samples, 2);
        assert_eq!(serve.calls["kernel: tcp_sendmsg"].samples, 1);
        let drawn = svg(&root, "a <call>");
        assert!(drawn.contains("a &lt;call&gt; (2 samples"), "{drawn}");
        assert!(drawn.contains("<title>kernel: tcp_sendmsg: 50.0 %</title>"), "{drawn}");
        assert_eq!(shortened("a::b::c::d"), "c::d");
    }
}
