//! Every error says what to do. (That each is documented is the lint `missing_docs`.)

use assay_protocol::market::{self, TermsError};
use assay_protocol::registry;
use parity_scale_codec::Decode;
use scale_info::{MetaType, TypeDef, TypeInfo};
use std::fmt::Display;

/// Every variant: its name, and an instance with zeros for fields.
fn variants<T: TypeInfo + Decode + Display + 'static>() -> Vec<(String, T)> {
    let TypeDef::Variant(type_def) = MetaType::new::<T>().type_info().type_def else {
        panic!("an error is an enumeration")
    };
    let of = |variant: &scale_info::Variant| {
        let bytes = [&[variant.index][..], &[0; 256]].concat();
        let error = T::decode(&mut &bytes[..]).expect("zeros are a value of every field");
        (variant.name.to_string(), error)
    };
    type_def.variants.iter().map(of).collect()
}

/// One sentence, or two with what to do behind a colon or a semicolon.
fn assert_says_what_to_do(name: &str, text: &str, must_is_enough: bool) {
    let instructs = text.split_once([';', ':']).is_some_and(|(_, rest)| rest.trim().contains(' '));
    assert!(instructs || must_is_enough && text.contains("must"), "{name} does not say what to do: {text}");
    assert!(!text.ends_with('.') && !text.contains("  ") && !text.contains('\n'), "{name}: {text}");
    assert!(text.starts_with(|c: char| !c.is_uppercase()), "{name}: {text}");
}

#[test]
fn the_markets() {
    for (name, error) in variants::<market::Error>() {
        assert_says_what_to_do(&name, &error.to_string(), false);
    }
    for (name, error) in variants::<TermsError>() {
        assert_says_what_to_do(&name, &error.to_string(), true);
    }
}

#[test]
fn the_registrys() {
    for (name, error) in variants::<registry::Error>() {
        assert_says_what_to_do(&name, &error.to_string(), false);
    }
}
