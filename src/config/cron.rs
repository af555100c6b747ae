//! The syntax of a cron expression. The room `control` reads it again to compute times; here it is only checked, so that a
//! mistake has a place, and put into the one form that means the same everywhere: six fields, weekdays by name.

/// One field of an expression.
struct Field {
    name: &'static str,
    low: u32,
    high: u32,
    /// Names for the numbers from `low` upwards.
    names: &'static [&'static str],
}

const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
/// As crontab counts: 0 and 7 are Sunday.
const WEEKDAYS: [&str; 8] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];

const FIELDS: [Field; 6] = [
    Field { name: "second", low: 0, high: 59, names: &[] },
    Field { name: "minute", low: 0, high: 59, names: &[] },
    Field { name: "hour", low: 0, high: 23, names: &[] },
    Field { name: "day of the month", low: 1, high: 31, names: &[] },
    Field { name: "month", low: 1, high: 12, names: &MONTHS },
    Field { name: "day of the week", low: 0, high: 7, names: &WEEKDAYS },
];

/// The expression with six fields (a missing first one is second 0) and weekdays by name, or what is wrong with it.
pub(super) fn normalised(text: &str) -> Result<String, String> {
    let mut fields: Vec<&str> = text.split_whitespace().collect();
    if fields.len() == 5 {
        fields.insert(0, "0");
    }
    if fields.len() != FIELDS.len() {
        return Err(format!("{} fields", fields.len()));
    }
    let checked: Result<Vec<_>, _> = FIELDS.iter().zip(fields).map(|(field, text)| field.checked(text)).collect();
    let checked = checked?;
    impossible_date(&checked)?;
    Ok(checked.join(" "))
}

/// 30 February never comes: nobody means a schedule that never opens.
fn impossible_date(fields: &[String]) -> Result<(), String> {
    let (Some(days), Some(months)) = (fields.get(3), fields.get(4)) else { return Ok(()) };
    let lengths = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let months: Option<Vec<u32>> = months.split(',').map(|it| FIELDS[4].number(it)).collect();
    let days: Option<Vec<u32>> = days.split(',').map(|it| it.parse().ok()).collect();
    let (Some(months), Some(days)) = (months, days) else { return Ok(()) };
    let length = |month: u32| lengths.get(month as usize - 1).copied().unwrap_or(31);
    let comes = months.iter().any(|month| days.iter().any(|day| *day <= length(*month)));
    if comes { Ok(()) } else { Err("a date that never comes".to_owned()) }
}

impl Field {
    fn checked(&self, text: &str) -> Result<String, String> {
        let parts: Result<Vec<_>, _> = text.split(',').map(|part| self.part(part)).collect();
        Ok(parts?.join(","))
    }

    /// `*`, `5`, `5-10`, `*/2`, `5-10/2`, `5/2`.
    fn part(&self, part: &str) -> Result<String, String> {
        let wrong = || format!("{} \"{}\"", self.name, super::section::cut(part));
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(step.parse::<u32>().ok().filter(|it| *it > 0).ok_or_else(wrong)?)),
            None => (part, None),
        };
        if step.is_some_and(|step| step > self.high) {
            return Err(wrong());
        }
        if range == "*" || range == "?" {
            return Ok(step.map_or_else(|| "*".to_owned(), |step| format!("*/{step}")));
        }
        let (from, to) = match range.split_once('-') {
            Some((from, to)) => (self.number(from), self.number(to).map(Some)),
            None => (self.number(range), Some(None)),
        };
        let (Some(from), Some(mut to)) = (from, to) else { return Err(wrong()) };
        if self.is_weekday() && range.contains('-') {
            // A week that ends on a Sunday: 5-0 and FRI-SUN are 5-7.
            to = to.map(|to| if to == 0 && from > 0 { 7 } else { to });
        }
        if to.is_some_and(|to| to < from) {
            return Err(wrong());
        }
        Ok(self.written(from, to, step))
    }

    fn is_weekday(&self) -> bool {
        self.high == 7
    }

    /// Weekdays are listed one by one and by name: some readers of cron count them from 1, and wrap no range.
    fn written(&self, from: u32, to: Option<u32>, step: Option<u32>) -> String {
        if self.is_weekday() {
            let last = to.unwrap_or(if step.is_some() { 6.max(from) } else { from });
            let days = (from..=last).step_by(step.unwrap_or(1) as usize);
            return days.filter_map(|day| WEEKDAYS.get(day as usize).copied()).collect::<Vec<_>>().join(",");
        }
        let to = to.map(|to| format!("-{to}")).unwrap_or_default();
        let step = step.map(|step| format!("/{step}")).unwrap_or_default();
        format!("{from}{to}{step}")
    }

    fn number(&self, text: &str) -> Option<u32> {
        if let Some(at) = self.names.iter().position(|name| name.eq_ignore_ascii_case(text)) {
            return u32::try_from(at).ok().map(|at| at + self.low);
        }
        let digits = (1..=2).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_digit());
        text.parse().ok().filter(|it| digits && (self.low..=self.high).contains(it))
    }
}
