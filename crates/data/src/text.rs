//! Text as tokens.

use crate::prepared::{MOST_CLASSES, within};
use crate::{DataError, Text, Tokeniser, Tokens};

/// Reads text, and the tokeniser's file if it has one.
pub(crate) fn read(text: &Text, parts: &[&[u8]], tokeniser: Option<&[u8]>, limit: u64) -> Result<Tokens, DataError> {
    let first = text.files.first().map_or("text", String::as_str);
    let bytes = parts.iter().map(|part| part.len() as u64).sum();
    within(first, bytes, 1, limit)?;
    if bytes == 0 {
        return Err(DataError::file(first, "there is no text"));
    }
    if text.tokens == Tokeniser::Byte {
        let tokens = parts.iter().flat_map(|part| part.iter()).map(|&byte| u32::from(byte)).collect();
        return Ok(Tokens { tokens, vocabulary: 256 });
    }
    let mut whole = String::new();
    for (file, part) in text.files.iter().zip(parts) {
        let part = std::str::from_utf8(part).map_err(|error| {
            DataError::file(file, format!("not UTF-8 at byte {}; use the tokens \"byte\"", error.valid_up_to()))
        })?;
        whole.push_str(part);
    }
    match (&text.tokens, tokeniser) {
        (Tokeniser::File(file), Some(json)) => by_file(file, json, &whole, limit),
        _ => Ok(characters(&whole)),
    }
}

fn characters(text: &str) -> Tokens {
    let mut known: Vec<char> = text.chars().collect();
    known.sort_unstable();
    known.dedup();
    let number = |character| known.binary_search(&character).expect("it is one of the text's") as u32;
    // There are fewer than 2^21 characters.
    Tokens { tokens: text.chars().map(number).collect(), vocabulary: known.len() as u32 }
}

fn by_file(file: &str, json: &[u8], text: &str, limit: u64) -> Result<Tokens, DataError> {
    let failed = |problem: String| DataError::file(file, problem);
    let mut tokeniser = tokenizers::Tokenizer::from_bytes(json)
        .map_err(|error| failed(format!("not a tokenizer.json that can be read: {error}")))?;
    if let tokenizers::ModelWrapper::BPE(model) = tokeniser.get_model()
        && model.dropout.is_some_and(|dropout| dropout > 0.0)
    {
        return Err(failed("its model has a dropout, so that it gives other tokens each time; set it to null".into()));
    }
    tokeniser.with_padding(None);
    tokeniser.with_truncation(None).map_err(|error| failed(error.to_string()))?;
    let greatest = tokeniser.get_vocab(true).into_values().max();
    let vocabulary = greatest.map_or(0, |greatest| greatest.saturating_add(1));
    if vocabulary == 0 || vocabulary > MOST_CLASSES {
        return Err(failed(format!("a vocabulary of {vocabulary} tokens is not from 1 to {MOST_CLASSES}")));
    }
    let encoding = tokeniser.encode_fast(text, false).map_err(|error| failed(error.to_string()))?;
    let tokens = encoding.get_ids().to_vec();
    within(file, tokens.len() as u64, 1, limit)?;
    match tokens.iter().find(|&&token| token >= vocabulary) {
        Some(token) => Err(failed(format!("it gives token {token}, beyond its vocabulary of {vocabulary}"))),
        None => Ok(Tokens { tokens, vocabulary }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "hug a hug, a bug";

    fn text(tokens: Tokeniser) -> Text {
        Text { files: vec!["a".into(), "b".into()], tokens }
    }

    fn tokeniser(dropout: &str) -> String {
        format!(
            r#"{{ "version": "1.0", "truncation": {{ "max_length": 3, "strategy": "LongestFirst", "stride": 0, "direction": "Right" }},
            "padding": null, "added_tokens": [], "normalizer": null,
            "pre_tokenizer": {{ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true }},
            "post_processor": null, "decoder": null,
            "model": {{ "type": "BPE", "dropout": {dropout}, "unk_token": null, "continuing_subword_prefix": null,
              "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
              "vocab": {{ "h": 0, "u": 1, "g": 2, "a": 3, "b": 4, ",": 5, "Ġ": 6, "ug": 7, "hug": 8, "Ġa": 9, "Ġhug": 12 }},
              "merges": [["u", "g"], ["h", "ug"], ["Ġ", "a"], ["Ġ", "hug"]] }} }}"#
        )
    }

    #[test]
    fn bytes_and_characters() {
        let halves = TEXT.as_bytes().split_at(5);
        let bytes = read(&text(Tokeniser::Byte), &[halves.0, halves.1], None, 1 << 20).unwrap();
        assert_eq!(bytes.vocabulary, 256);
        assert_eq!(bytes.tokens, TEXT.bytes().map(u32::from).collect::<Vec<_>>());
        let characters =
            read(&text(Tokeniser::Character), &["bäb".as_bytes(), "a\n".as_bytes()], None, 1 << 20).unwrap();
        assert_eq!(characters, Tokens { tokens: vec![2, 3, 2, 1, 0], vocabulary: 4 });
    }

    #[test]
    fn pairs_are_merged_as_the_file_says_and_nothing_is_cut_off() {
        let json = tokeniser("null");
        let text = text(Tokeniser::File("tokenizer.json".into()));
        let tokens = read(&text, &[TEXT.as_bytes(), b""], Some(json.as_bytes()), 1 << 20).unwrap();
        assert_eq!(tokens, Tokens { tokens: vec![8, 9, 12, 5, 9, 6, 4, 7], vocabulary: 13 });
    }

    #[test]
    fn what_is_no_text_is_refused() {
        let refused = |tokens, part: &[u8], json: Option<&[u8]>| {
            read(&text(tokens), &[b"", part], json, 1 << 10).unwrap_err().to_string()
        };
        assert!(refused(Tokeniser::Character, b"ab\xff", None).contains("b: not UTF-8 at byte 2"));
        assert!(refused(Tokeniser::Byte, b"", None).contains("no text"));
        assert!(refused(Tokeniser::Byte, &[7; 300], None).contains("1200 bytes of memory"));
        let file = || Tokeniser::File("t.json".into());
        assert!(refused(file(), b"hug", Some(b"{")).contains("t.json: not a tokenizer.json"));
        assert!(refused(file(), b"hug", Some(tokeniser("0.5").as_bytes())).contains("dropout"));
    }
}
