//! Who is asked for the weather: `weather_api.provider` or `providers`, and the section of each provider.

use super::{
    section::{Section, cut, nearest},
    shape::Shape,
    values::one_of,
};
use crate::model::{Provider, ProviderSettings};

/// Reads the list of providers and their sections. Never empty.
pub(super) fn providers(it: &Section<'_>, enabled: bool) -> Vec<ProviderSettings> {
    let sections: Vec<ProviderSettings> = Provider::ALL.iter().map(|provider| section(it, *provider)).collect();
    let names = names(it, enabled);
    let chosen = if names.is_empty() { vec![("providers", Provider::OpenMeteo)] } else { names };
    let mut found: Vec<ProviderSettings> = Vec::new();
    for (key, provider) in chosen {
        if found.iter().any(|it| it.provider == provider) {
            it.refuse(key, format!("{provider} twice"), "each provider once");
            continue;
        }
        let Some(how) = sections.iter().find(|it| it.provider == provider) else { continue };
        if enabled {
            needs(it, how);
        }
        found.push(how.clone());
    }
    found
}

/// The providers in their order, each with the key that names it.
fn names(it: &Section<'_>, enabled: bool) -> Vec<(&'static str, Provider)> {
    let known = Provider::ALL.map(Provider::name);
    if it.has("provider") && it.has("providers") {
        it.refuse("provider", "`provider` beside `providers`", "one of the two");
    }
    it.note("provider", || Shape::OneOf(known.to_vec()));
    let lists = it.texts("providers");
    if lists.as_ref().is_some_and(Vec::is_empty) {
        it.refuse("providers", "an empty list", one_of(&known));
    }
    let one = it.text("provider").into_iter().map(|name| ("provider", name));
    let mut found = Vec::new();
    for (key, name) in one.chain(lists.into_iter().flatten().map(|name| ("providers", name))) {
        match Provider::ALL.into_iter().find(|it| it.name() == name.to_lowercase().replace('_', "-")) {
            Some(provider) => found.push((key, provider)),
            None if enabled => {
                let hint = nearest(&name, known.into_iter());
                it.refuse_with(key, format!("\"{}\"", cut(&name)), one_of(&known), hint);
            }
            None => {}
        }
    }
    found
}

/// The name of a provider's section.
fn key(provider: Provider) -> &'static str {
    match provider {
        Provider::OpenMeteo => "open_meteo",
        Provider::MetNorway => "met_norway",
        Provider::Nws => "nws",
        Provider::OpenWeatherMap => "openweathermap",
        Provider::PirateWeather => "pirate_weather",
    }
}

fn section(it: &Section<'_>, provider: Provider) -> ProviderSettings {
    let mut how = ProviderSettings::usual(provider);
    let Some(it) = it.section(key(provider)) else { return how };
    how.base_url = base_url(&it, "base_url").unwrap_or(how.base_url);
    match provider {
        Provider::OpenMeteo => old_url(&it, "accepted, not used: the address without `/v1` is `base_url`"),
        Provider::MetNorway | Provider::Nws => how.contact = contact(&it),
        Provider::OpenWeatherMap => {
            old_url(&it, "accepted, not used: the address without `/data/2.5` is `base_url`");
            how.api_key = it.secret("api_key", "api_key_file");
            how.one_call = it.switch("one_call").unwrap_or(false);
        }
        Provider::PirateWeather => how.api_key = it.secret("api_key", "api_key_file"),
    }
    it.close();
    how
}

/// The seed's key, of which its own default is not worth a word.
fn old_url(it: &Section<'_>, words: &str) {
    base_url(it, "api_url");
    it.warn("api_url", words);
}

/// What goes into `User-Agent`: an e-mail address or a page.
fn contact(it: &Section<'_>) -> Option<String> {
    let text = it.text("contact")?;
    let printable = text.len() <= 200 && text.chars().all(|it| it.is_ascii_graphic());
    let leads_somewhere = text.contains('@') || text.starts_with("https://") || text.starts_with("http://");
    if printable && leads_somewhere {
        return Some(text);
    }
    it.refuse("contact", "another text", CONTACT);
    None
}

const CONTACT: &str = "an e-mail address or the https:// address of a page, without spaces";

/// What a provider that is to be asked cannot do without.
fn needs(it: &Section<'_>, how: &ProviderSettings) {
    let (missing, allowed) = match how.provider {
        Provider::MetNorway if how.contact.is_none() => ("contact", CONTACT),
        Provider::OpenWeatherMap | Provider::PirateWeather if how.api_key.is_none() => {
            ("api_key", "the key that the provider gave you, or `api_key_file: PATH`")
        }
        _ => return,
    };
    let key = key(how.provider);
    // A section that has the key has been told what is wrong with it.
    match it.section(key) {
        Some(section) if section.has(missing) => {}
        Some(section) => section.miss(missing, allowed),
        None => it.miss(key, format!("a section with `{missing}`: {allowed}")),
    }
}

fn base_url(it: &Section<'_>, key: &'static str) -> Option<String> {
    let text = it.text(key)?;
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let plain = |rest: &&str| !rest.is_empty() && !rest.starts_with('/') && !rest.contains(['@', '?', '#', ' ', '"']);
    if rest.filter(plain).is_none() {
        // An address may carry a login, so it is not repeated.
        it.refuse(key, "another text", "an http:// or https:// address without login, query and fragment");
        return None;
    }
    Some(text.trim_end_matches('/').to_owned())
}
