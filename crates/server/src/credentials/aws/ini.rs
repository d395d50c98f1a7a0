//! AWS's two files: `config` and `credentials` (AWS SDKs and Tools Reference Guide, "Shared config and credentials files").

use std::collections::HashMap;

/// A section's settings.
pub(super) type Section = HashMap<String, String>;

/// The profiles and SSO sessions of both files.
#[derive(Debug, Default)]
pub(super) struct Profiles {
    profiles: HashMap<String, Section>,
    sessions: HashMap<String, Section>,
}

impl Profiles {
    /// From both files' texts; of a setting that is in both, that of `credentials` holds.
    pub fn of(config: &str, credentials: &str) -> Self {
        let mut all = Self::default();
        for (section, settings) in sections(config) {
            let words: Vec<_> = section.split_whitespace().collect();
            match words[..] {
                ["profile", name] => all.profiles.entry(name.to_owned()).or_default().extend(settings),
                ["default"] => all.profiles.entry("default".to_owned()).or_default().extend(settings),
                ["sso-session", name] => all.sessions.entry(name.to_owned()).or_default().extend(settings),
                _ => {}
            }
        }
        for (section, settings) in sections(credentials) {
            all.profiles.entry(section).or_default().extend(settings);
        }
        all
    }

    pub fn get(&self, profile: &str) -> Option<&Section> {
        self.profiles.get(profile)
    }

    pub fn session(&self, name: &str) -> Option<&Section> {
        self.sessions.get(name)
    }
}

fn sections(text: &str) -> Vec<(String, Section)> {
    let mut all: Vec<(String, Section)> = Vec::new();
    for line in text.lines() {
        // An indented line belongs to the setting before it (`s3 =` and its like), none of which matter here.
        if line.starts_with([' ', '\t']) || line.trim().is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some((name, _)) = line.trim().strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            all.push((name.trim().replace(['"', '\''], ""), Section::new()));
            continue;
        }
        if let (Some((key, value)), Some((_, section))) = (line.split_once('='), all.last_mut()) {
            // A comment after a value begins with a space.
            let end = [" #", " ;"].iter().filter_map(|mark| value.find(mark)).min().unwrap_or(value.len());
            let value = &value[..end];
            section.insert(key.trim().to_ascii_lowercase(), value.trim().to_owned());
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_files_are_one() {
        let config = "# a comment\n[default]\nregion = eu-west-1\ns3 =\n  max = 1\n[profile \"dev\"]\nrole_arn=arn:aws:iam::1:role/r ; why\n\
                      source_profile = default\naws_access_key_id = OLD\n[sso-session corp]\nsso_region = us-east-1\n[other]\nx = 1\n";
        let credentials = "[default]\r\naws_access_key_id = AKIA\r\naws_secret_access_key = a=b#c\r\n[dev]\naws_access_key_id = NEW\n";
        let all = Profiles::of(config, credentials);
        let default = all.get("default").unwrap();
        assert_eq!(default["region"], "eu-west-1");
        assert_eq!(default["aws_secret_access_key"], "a=b#c");
        assert!(!default.contains_key("max"));
        let dev = all.get("dev").unwrap();
        assert_eq!((dev["role_arn"].as_str(), dev["aws_access_key_id"].as_str()), ("arn:aws:iam::1:role/r", "NEW"));
        assert_eq!(all.session("corp").unwrap()["sso_region"], "us-east-1");
        assert!(all.get("other").is_none());
    }
}
