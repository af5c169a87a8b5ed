//! Memory sizes as people write them: `8GiB`, `512 MB`.

/// The bytes of a size, or what is wrong with it.
///
/// `GiB` and the bare `G` are 1024³ bytes, `GB` is 1000³, as in most tools.
pub fn memory_size(text: &str) -> Result<usize, String> {
    let digits = text
        .trim()
        .trim_end_matches(|letter: char| !letter.is_ascii_digit());
    let unit = text.trim()[digits.len()..].trim().to_ascii_lowercase();
    let (base, power) = match unit.as_str() {
        "b" => (1, 1),
        "k" | "kib" => (1024, 1),
        "m" | "mib" => (1024, 2),
        "g" | "gib" => (1024, 3),
        "t" | "tib" => (1024, 4),
        "kb" => (1000, 1),
        "mb" => (1000, 2),
        "gb" => (1000, 3),
        "tb" => (1000, 4),
        _ => return Err(not_a_size(text)),
    };
    let count: usize = digits.parse().map_err(|_| not_a_size(text))?;
    let bytes = usize::pow(base, power)
        .checked_mul(count)
        .ok_or_else(|| not_a_size(text))?;
    if bytes == 0 {
        Err(not_a_size(text))
    } else {
        Ok(bytes)
    }
}

fn not_a_size(text: &str) -> String {
    format!("`{text}` is not a memory size: write a whole number and a unit, such as `8GiB`")
}
