//! The chart: processor time a call, by size, of nginx and the ways through the gateway.

use std::fmt::Write;

use super::Results;

const LANES: [(&str, &str); 4] =
    [("nginx", "#9aa5b1"), ("relay", "#2563eb"), ("chat→anthropic", "#d97706"), ("anthropic→chat", "#b45309")];
const CASES: [&str; 5] = ["300 B", "8 kB", "20 tools", "100 kB", "1 MB image"];

/// Each size has its own scale: the ratio to nginx is what matters.
pub fn calls(results: &Results) -> String {
    let mut out = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 760 330\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"760\" height=\"330\" fill=\"#ffffff\"/>\n<text x=\"20\" y=\"24\" font-size=\"15\">Processor time a call, times \
         nginx's of the same run</text>\n",
    );
    for (i, (lane, colour)) in LANES.iter().enumerate() {
        let x = 20 + i * 150;
        let _ = writeln!(
            out,
            "<rect x=\"{x}\" y=\"38\" width=\"12\" height=\"12\" fill=\"{colour}\"/><text x=\"{}\" y=\"48\">{lane}</text>",
            x + 18
        );
    }
    for (at, case) in CASES.iter().enumerate() {
        let left = 20 + at * 148;
        let name = format!("call {case}");
        let nginx = results.get(&name, "nginx", "cpu_us").unwrap_or_default();
        let _ = writeln!(out, "<text x=\"{left}\" y=\"315\">{case} ({nginx:.0} µs)</text>");
        for (i, (lane, colour)) in LANES.iter().enumerate() {
            let Some(value) = results.get(&name, lane, "cpu_us").filter(|_| nginx > 0.0) else { continue };
            let times = value / nginx;
            let height = (times * 30.0).min(225.0);
            let (x, y) = (left + i * 32, 295.0 - height);
            let _ = writeln!(
                out,
                "<rect x=\"{x}\" y=\"{y:.0}\" width=\"28\" height=\"{height:.0}\" fill=\"{colour}\"/>\
                 <text x=\"{x}\" y=\"{:.0}\" font-size=\"11\">{times:.1}</text>",
                y - 4.0
            );
        }
    }
    out.push_str("</svg>\n");
    out
}
