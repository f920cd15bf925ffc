//! Tests of the form of records: what is damaged costs nothing but itself.

use super::*;

/// Three records, and where each ends.
fn three() -> (Vec<u8>, Vec<usize>) {
    let (mut bytes, mut ends) = (Vec::new(), Vec::new());
    for number in 1..=3 {
        let texts = [format!("text {number}"), "é".repeat(9)];
        let texts: Vec<_> = texts.iter().map(String::as_bytes).collect();
        write(&mut bytes, &Note::Settled(vec![number]), &texts).unwrap();
        ends.push(bytes.len());
    }
    (bytes, ends)
}

fn numbers(contents: &Contents) -> Vec<u64> {
    let number = |record: &Record| {
        let Note::Settled(numbers) = &record.note else {
            unreachable!("nobody wrote {:?}", record.note);
        };
        numbers[0]
    };
    contents.records.iter().map(number).collect()
}

#[test]
fn records_are_read_as_they_were_written() {
    let (bytes, _) = three();
    let contents = read(&bytes);
    assert_eq!(numbers(&contents), [1, 2, 3]);
    assert_eq!((contents.damaged, contents.torn), (0, None));
    for (record, number) in contents.records.iter().zip(1..) {
        let text = format!("text {number}");
        let start = usize::try_from(record.texts).unwrap();
        assert_eq!(&bytes[start..start + text.len()], text.as_bytes());
    }
}

#[test]
fn a_cut_anywhere_costs_the_record_it_hits() {
    let (bytes, ends) = three();
    for cut in 0..=bytes.len() {
        let contents = read(&bytes[..cut]);
        let whole = ends.iter().filter(|end| **end <= cut).count();
        assert_eq!(contents.records.len(), whole, "cut at {cut}");
        assert_eq!(contents.damaged, 0, "cut at {cut}");
        let end = if whole == 0 { 0 } else { ends[whole - 1] };
        let torn = (cut > end).then_some(offset(end));
        assert_eq!(contents.torn, torn, "cut at {cut}");
    }
}

#[test]
fn a_flipped_bit_anywhere_costs_the_record_it_hits() {
    let (bytes, ends) = three();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1 << bit;
            let hit = ends.iter().filter(|end| **end <= at).count();
            let mut expected = vec![1, 2, 3];
            expected.remove(hit);
            let contents = read(&bytes);
            assert_eq!(numbers(&contents), expected, "bit {bit} of byte {at}");
            assert!(contents.damaged > 0 || contents.torn.is_some());
        }
    }
}

#[test]
fn zeros_anywhere_cost_the_records_they_hit() {
    let (bytes, ends) = three();
    for from in 0..bytes.len() {
        let mut bytes = bytes.clone();
        let to = (from + 40).min(bytes.len());
        bytes[from..to].fill(0);
        let begins = [0, ends[0], ends[1]];
        let spared = (0..3).filter(|n| ends[*n] <= from || begins[*n] >= to);
        let expected: Vec<_> = spared.map(|n| offset(n) + 1).collect();
        assert_eq!(numbers(&read(&bytes)), expected, "zeros from {from}");
    }
}

#[test]
fn what_follows_the_last_record_does_not_hide_it() {
    let endless = MARK.repeat(3);
    for (tail, is_torn) in [
        (vec![0; 5_000], true),
        (endless, true),
        (vec![0xa5; 5_000], false),
    ] {
        let (mut bytes, ends) = three();
        bytes.extend(tail);
        let contents = read(&bytes);
        assert_eq!(numbers(&contents), [1, 2, 3]);
        assert_eq!(contents.torn == Some(offset(ends[2])), is_torn);
        assert_eq!(contents.damaged == 0, is_torn);
    }
}

/// An event may hold anything that is text, and the bytes of a record are no text.
#[test]
fn no_text_is_taken_for_a_record() {
    let mut forged = Vec::new();
    write(&mut forged, &Note::Settled(vec![99]), &[]).unwrap();
    assert!(std::str::from_utf8(&MARK[..1]).is_err());
    let text = String::from_utf8_lossy(&forged).into_owned();
    let mut bytes = Vec::new();
    write(&mut bytes, &Note::Settled(vec![1]), &[text.as_bytes()]).unwrap();
    bytes[HEADER] ^= 1;
    assert!(read(&bytes).records.is_empty());
}

#[test]
fn a_note_of_a_later_version_is_damage() {
    let mut bytes = Vec::new();
    write(&mut bytes, &Note::Settled(vec![1]), &[]).unwrap();
    let (note, text) = (br#"{"unheard_of":1}"#, b"text");
    let lengths = [note.len(), text.len()].map(|n| u32::try_from(n).unwrap().to_be_bytes());
    let all = [lengths.as_flattened(), note, text].concat();
    bytes.extend(MARK);
    bytes.extend(lengths.as_flattened());
    bytes.extend(crc32fast::hash(&all).to_be_bytes());
    bytes.extend(note);
    bytes.extend(text);
    let contents = read(&bytes);
    assert_eq!(numbers(&contents), [1]);
    assert_eq!(contents.damaged, offset(HEADER + note.len() + text.len()));
}
