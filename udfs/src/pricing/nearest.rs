//! Names that resemble another: what a user, an export or a bill most likely meant.

/// The names that resemble this one, the most alike first.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    /// Of 1 for the same name; beginnings count most, as version and date stand at the end.
    const ALIKE: f64 = 0.85;
    let name = name.to_lowercase();
    let known = known.into_iter().map(|known| {
        let likeness = strsim::jaro_winkler(&name, &known.to_lowercase());
        (likeness, known)
    });
    let mut alike: Vec<_> = known.filter(|(likeness, _)| *likeness > ALIKE).collect();
    alike.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    alike.into_iter().map(|(_, known)| known).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_alike_comes_first() {
        let known = ["allocation", "attribution", "charges", "alocation"];
        assert_eq!(nearest("Allocation", known), ["allocation", "alocation"]);
        assert_eq!(nearest("zzz", known), Vec::<&str>::new());
    }
}
