//! Tables, splits and the order of samples.

use assay_engine::{Dataset, Sampler, split};

#[test]
fn tables_are_read_exactly() {
    let data = Dataset::from_csv("0,16,1\n8,4,0\n", 2, 16.0).unwrap();
    assert_eq!((data.rows(), data.width()), (2, 2));
    let batch = data.batch(&[1, 0]);
    assert_eq!((batch.input, batch.values, batch.labels), ("features", vec![0.5, 0.25, 0.0, 1.0], vec![0.0, 1.0]));
}

#[test]
fn tokens_are_cut_into_samples_whose_labels_are_the_next() {
    let data = Dataset::from_tokens((0..8).collect(), 3).unwrap();
    assert_eq!((data.rows(), data.width(), data.labels_each()), (2, 3, 3));
    let batch = data.batch(&[1, 0]);
    assert_eq!((batch.input, batch.values), ("tokens", vec![3.0, 4.0, 5.0, 0.0, 1.0, 2.0]));
    assert_eq!(batch.labels, [4.0, 5.0, 6.0, 1.0, 2.0, 3.0]);
    assert!(Dataset::from_tokens(vec![0, 1, 2], 3).is_err(), "no label for the last");
    assert!(Dataset::from_tokens(vec![0], 0).is_err());
    assert!(Dataset::from_features(2, vec![0.0; 5], vec![0; 2]).is_err());
    assert!(Dataset::from_features(2, vec![], vec![]).is_err());
}

#[test]
fn bad_tables_are_refused_by_row_and_column() {
    for (text, error) in [
        ("", "it has no rows"),
        ("1", "row 1: 1 columns, expected 2"),
        ("1,2,0\n1,0\n", "row 2: 2 columns, expected 3"),
        ("1,2,0\n\n1,2,0\n", "row 2: 1 columns, expected 3"),
        ("1,x,0\n", "row 1, column 2: \"x\" is not a number"),
        ("1,2,0\n1,nan,0\n", "row 2, column 2: \"nan\" is not a finite number"),
        ("1e39,2,0\n", "row 1, column 1: \"1e39\" is not a finite number"),
        ("1,2,3\n", "row 1, column 3: \"3\" is not a class from 0 to 2"),
        ("1,2,0.5\n", "row 1, column 3: \"0.5\" is not a class from 0 to 2"),
    ] {
        let got = Dataset::from_csv(text, 3, 1.0).unwrap_err().to_string();
        assert_eq!(got, format!("dataset: {error}"));
    }
    assert!(Dataset::from_csv("1,2,0\n", 3, 0.0).is_err());
}

#[test]
fn a_split_parts_all_rows_by_the_seed() {
    let (training, held) = split(&[1; 32], 100, 30).unwrap();
    assert_eq!((training.len(), held.len()), (70, 30));
    let mut all = [training.clone(), held.clone()].concat();
    all.sort_unstable();
    assert_eq!(all, (0..100).collect::<Vec<_>>());
    assert_eq!(split(&[1; 32], 100, 30).unwrap(), (training.clone(), held));
    assert_ne!(split(&[2; 32], 100, 30).unwrap().0, training);
    assert!(split(&[1; 32], 100, 100).is_err());
}

#[test]
fn an_epoch_visits_every_row_once() {
    let rows: Vec<u64> = (0..50).map(|i| 3 * i).collect();
    let sampler = Sampler::new(&[1; 32], rows.clone(), 10).unwrap();
    let epoch = |first: u64| -> Vec<u64> { (first..first + 5).flat_map(|s| sampler.rows(s)).collect() };
    let (one, two) = (epoch(0), epoch(5));
    assert_ne!(one, two);
    for mut epoch in [one, two] {
        epoch.sort_unstable();
        assert_eq!(epoch, rows);
    }
    // A batch may straddle two epochs, and a step needs no step before it.
    let odd = Sampler::new(&[1; 32], rows, 7).unwrap();
    assert_eq!(odd.rows(7).len(), 7);
    assert!(Sampler::new(&[1; 32], vec![], 7).is_err());
}
