use super::*;

#[test]
fn darker_is_more() {
    let light = |share| {
        let RGBColor(red, green, blue) = shade(share);
        u32::from(red) + u32::from(green) + u32::from(blue)
    };
    assert!((1..=100).all(|i| light(f64::from(i) / 100.0) < light(f64::from(i - 1) / 100.0)));
    assert_eq!(shade(0.0), RGBColor(255, 255, 255));
    assert_eq!(shade(1.0), RGBColor(8, 40, 96));
}

#[test]
fn counts_labels_and_axes_are_there() {
    let rows = [vec![61, 2], vec![37, 0]];
    let confusion = Confusion::from_counts(["T1059", "T1027"], &rows).unwrap();
    let svg = HeatMap::new("m", &confusion).draw().unwrap();
    for text in ["\n61\n", "\n37\n", "T1059", "T1027", "truth (rows)", "prediction (columns)"] {
        assert!(svg.as_str().contains(text), "{text}");
    }
    assert!(!svg.as_str().contains("\n0\n"), "empty cells stay empty");
}

#[test]
fn shares_and_counts_each_have_their_own_numbers() {
    let rows = [vec![61, 2], vec![3, 997]];
    let confusion = Confusion::from_counts(["T1059", "T1027"], &rows).unwrap();
    let shares = HeatMap::new("m", &confusion).row_shares().draw().unwrap();
    for text in ["\n97\n", "\n3\n", "\n&lt;1\n", "\n100\n", "per cent of a row"] {
        assert!(shares.as_str().contains(text), "{text}");
    }
    let counts = HeatMap::new("m", &confusion).counts().draw().unwrap();
    for text in ["\n61\n", "\n997\n", "\n10\n", "logarithms"] {
        assert!(counts.as_str().contains(text), "{text}");
    }
    assert_eq!((log_share(0, 9), log_share(9, 9), log_share(0, 0)), (0.0, 1.0, 0.0));
}

#[test]
fn several_maps_stand_beside_each_other() {
    let rows = [vec![61, 2], vec![37, 0]];
    let confusion = Confusion::from_counts(["T1059", "T1027"], &rows).unwrap();
    let two = HeatMaps::new("m").map("one", &confusion).map("two", &confusion);
    let svg = two.clone().draw().unwrap();
    for text in ["\none\n", "\ntwo\n", "\nT1059\n", "75 %", "rows are truth"] {
        assert!(svg.as_str().contains(text), "{text}");
    }
    assert_eq!(svg.as_str().matches("\nT1027\n").count(), 4);
    assert!(!svg.as_str().contains("\n61\n"), "no counts in small maps");
    let high = |svg: Svg| {
        let (_, rest) = svg.as_str().split_once("height=\"").unwrap();
        rest.split_once('"').unwrap().0.parse::<u32>().unwrap()
    };
    let third = two.clone().map("three", &confusion).draw().unwrap();
    assert!(high(third) > high(svg) + 100, "the third stands below");

    let alone = HeatMaps::new("m").map("one", &confusion).draw().unwrap();
    assert_eq!(alone, HeatMap::new("m: one", &confusion).draw().unwrap());
    let none = HeatMaps::new("m").draw().unwrap_err().to_string();
    assert_eq!(none, "setting heat_maps: there is none to draw");
}

#[test]
fn too_many_classes_are_refused() {
    let labels: Vec<String> = (0..121).map(|i| format!("T{i}")).collect();
    let confusion = Confusion::from_indices(labels, &[0], &[120]).unwrap();
    let error = HeatMap::new("m", &confusion).draw().unwrap_err().to_string();
    assert_eq!(error, "setting heat_map: 121 classes; no more than 120 can be read");
}
