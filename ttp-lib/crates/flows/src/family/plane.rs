//! Embeddings in the plane: principal components, and t-SNE.

use super::encoder::Embeddings;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};
use ttp_base::settings::{Range, above_to, at_least, from_to};
use ttp_base::{Error, Result, settings};
use ttp_metrics::plot::Scatter;

/// Points in the plane, one a row.
#[derive(Debug, Clone, PartialEq)]
pub struct Plane {
    /// Where each row is.
    pub points: Vec<(f64, f64)>,
    /// Each row's family; empty where it is not known.
    pub truth: Vec<usize>,
    /// What the axes are.
    pub axes: [String; 2],
}

impl Plane {
    /// The points as a plot, a colour and a form for each family. Of more families than can be
    /// told apart the largest have one each, and the others one together.
    pub fn scatter(&self, title: impl Into<String>, families: &[String]) -> Scatter {
        let [x, y] = &self.axes;
        let mut scatter = Scatter::new(title, x, y);
        if self.truth.is_empty() {
            return scatter.series("all flows", self.points.iter().copied());
        }
        let mut counts = vec![0_usize; families.len()];
        self.truth.iter().for_each(|&family| counts[family] += 1);
        let mut shown: Vec<usize> = (0..families.len()).collect();
        if families.len() > Scatter::MOST {
            shown.sort_by_key(|&family| std::cmp::Reverse(counts[family]));
            shown.truncate(Scatter::MOST - 1);
            shown.sort_unstable();
        }
        let of = |is: &dyn Fn(usize) -> bool| -> Vec<(f64, f64)> {
            let all = self.points.iter().zip(&self.truth);
            all.filter(|(_, family)| is(**family)).map(|(point, _)| *point).collect()
        };
        for &family in &shown {
            scatter = scatter.series(&families[family], of(&|other| other == family));
        }
        if shown.len() < families.len() {
            let name = format!("{} smaller families", families.len() - shown.len());
            scatter = scatter.series(name, of(&|family| !shown.contains(&family)));
        }
        scatter
    }
}

impl Embeddings {
    /// So many rows of these, drawn from each family in proportion, and one at least of each that
    /// occurs, so that there may be a few more; all where there are not more. In the order that
    /// they had. Without labels the rows are drawn from all of them.
    ///
    /// # Errors
    /// If no row is asked for.
    pub fn stratified(&self, rows: usize, seed: u64) -> Result<Self> {
        if rows == 0 {
            let reason = "0: nothing would be seen".to_owned();
            return Err(Error::Setting { field: "picture_rows", reason });
        }
        if rows >= self.len() {
            return Ok(self.clone());
        }
        let families = self.truth.iter().max().map_or(1, |most| most + 1);
        let mut rows_of = vec![Vec::new(); families];
        for row in 0..self.len() {
            rows_of[self.truth.get(row).copied().unwrap_or(0)].push(row);
        }
        let share = rows as f64 / self.len() as f64;
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut kept = Vec::with_capacity(rows + families);
        for of_family in rows_of.iter_mut().filter(|rows| !rows.is_empty()) {
            of_family.shuffle(&mut random);
            let count = (share * of_family.len() as f64).round().max(1.0) as usize;
            kept.extend_from_slice(&of_family[..count.min(of_family.len())]);
        }
        kept.sort_unstable();
        let truth = kept.iter().filter_map(|&row| self.truth.get(row).copied()).collect();
        let values = kept.iter().flat_map(|&row| self.row(row)).copied().collect();
        Ok(Self { dimensions: self.dimensions, values, truth })
    }

    fn check(&self) -> Result<()> {
        let wrong = |reason: String| Err(Error::Setting { field: "embeddings", reason });
        if self.len() < 3 || self.dimensions < 2 {
            let (rows, wide) = (self.len(), self.dimensions);
            return wrong(format!("{rows} of {wide} dimensions have no picture in the plane"));
        }
        match self.values.iter().position(|x| !x.is_finite()) {
            Some(at) => wrong(format!("row {} holds what is no number", at / self.dimensions)),
            None => Ok(()),
        }
    }
}

/// The two directions in which rows differ most.
#[derive(Debug, Clone, PartialEq)]
pub struct Pca {
    /// Mean of each dimension.
    pub mean: Vec<f64>,
    /// The two directions, of length 1. Of each the number farthest from 0 is positive: a
    /// direction and its opposite are the same component, and one must be taken.
    pub components: [Vec<f64>; 2],
    /// The share of all variance that lies in each.
    pub explained: [f64; 2],
    /// The rows in these directions.
    pub plane: Plane,
}

/// Principal components: the eigenvectors of the covariance with the two largest eigenvalues
/// (Pearson, *On lines and planes of closest fit*, Philosophical Magazine 2, 1901), in double
/// precision.
///
/// ```
/// use ttp_flows::family::{Embeddings, pca};
/// // Along (3, 4), and a little at a right angle to it.
/// let values = vec![3.0, 4.0, -3.0, -4.0, 0.8, -0.6, -0.8, 0.6];
/// let found = pca(&Embeddings { dimensions: 2, values, truth: vec![] })?;
/// assert!((found.components[0][0] - 0.6).abs() < 1e-6);
/// assert!((found.components[0][1] - 0.8).abs() < 1e-6);
/// assert!((found.explained[0] - 25.0 / 26.0).abs() < 1e-6);
/// assert!((found.plane.points[0].0 - 5.0).abs() < 1e-6);
/// # Ok::<(), ttp_base::Error>(())
/// ```
///
/// # Errors
/// If there are fewer than three rows or two dimensions, or a value is no number.
pub fn pca(embeddings: &Embeddings) -> Result<Pca> {
    embeddings.check()?;
    let (rows, wide) = (embeddings.len() as i64, embeddings.dimensions as i64);
    let values = Tensor::from_slice(&embeddings.values).view([rows, wide]).to_kind(Kind::Double);
    let mean = values.mean_dim([0_i64].as_slice(), true, Kind::Double);
    let centred = values - &mean;
    let covariance = centred.transpose(0, 1).matmul(&centred) / rows as f64;
    let failed = || Error::library("principal components");
    let (values, vectors) = covariance.f_linalg_eigh("L").map_err(failed())?;
    let numbers =
        |tensor: &Tensor| Vec::<f64>::try_from(tensor.contiguous().view([-1])).map_err(failed());
    // In rising order.
    let values = numbers(&values)?;
    let total: f64 = values.iter().map(|x| x.max(0.0)).sum();
    let component = |from_last: i64| -> Result<Vec<f64>> {
        let mut numbers = numbers(&vectors.select(1, wide - from_last))?;
        let farthest = numbers.iter().copied().fold(0.0, |far: f64, x| {
            // Of equals the first, but for rounding.
            if x.abs() > far.abs() + 1e-9 { x } else { far }
        });
        if farthest < 0.0 {
            numbers.iter_mut().for_each(|x| *x = -*x);
        }
        Ok(numbers)
    };
    let components = [component(1)?, component(2)?];
    let explained =
        [1, 2].map(|at| values[values.len() - at].max(0.0) / total.max(f64::MIN_POSITIVE));
    let mean = numbers(&mean)?;
    let along = |row: &[f32], direction: &[f64]| -> f64 {
        let off = row.iter().zip(&mean).map(|(&x, mean)| f64::from(x) - mean);
        off.zip(direction).map(|(off, by)| off * by).sum()
    };
    let points = (0..embeddings.len())
        .map(|row| embeddings.row(row))
        .map(|row| (along(row, &components[0]), along(row, &components[1])))
        .collect();
    let axes = [0, 1]
        .map(|at| format!("component {} ({:.1} % of the variance)", at + 1, 100.0 * explained[at]));
    let plane = Plane { points, truth: embeddings.truth.clone(), axes };
    Ok(Pca { mean, components, explained, plane })
}

/// The settings of t-SNE.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TsneSettings {
    /// About how many neighbours each point has; at least 2.
    pub perplexity: f64,
    /// Steps of the descent; at least 1.
    pub epochs: usize,
    /// Barnes and Hut's trade of exactness for speed, above 0 and up to 1.
    pub theta: f64,
}

impl Default for TsneSettings {
    /// Perplexity 30, 1,000 steps, theta 0.5: the usual ones.
    fn default() -> Self {
        Self { perplexity: 30.0, epochs: 1_000, theta: 0.5 }
    }
}

settings!(TsneSettings, "family.tsne", {
    perplexity: from_to(2.0, 10_000.0).or("{} is not from 2 to 10,000"),
    epochs: at_least(1.0).or("0 steps lay nothing out"),
    theta: above_to(0.0, 1.0),
});

/// Rows of a picture.
pub(super) const PICTURE_ROWS: Range = at_least(10.0).or("{} rows are no picture; take 10 or more");

/// t-SNE (van der Maaten and Hinton, *Visualizing Data using t-SNE*, JMLR 9, 2008; with a tree,
/// van der Maaten, JMLR 15, 2014), by the bhtsne library. Which points are neighbours can be read
/// off it; distances between clouds, and their sizes, cannot.
///
/// Nothing in it is drawn by chance: it starts from the principal components (Kobak and Berens,
/// *The art of using t-SNE for single-cell transcriptomics*, Nature Communications 10, 2019) with
/// exact neighbours, on one thread. `watch` is told the step, from 1.
///
/// # Errors
/// If a setting makes no sense, a value is no number, or there are no more than three times as
/// many rows as the perplexity.
pub fn tsne(
    embeddings: &Embeddings,
    settings: &TsneSettings,
    watch: &mut (dyn FnMut(usize) + Send),
) -> Result<Plane> {
    settings.check()?;
    let start = pca(embeddings)?.plane;
    let rows = embeddings.len();
    let neighbours = (3.0 * settings.perplexity) as usize;
    if neighbours >= rows {
        let reason = format!("{} is too much for {rows} rows", settings.perplexity);
        return Err(Error::Setting { field: "family.tsne.perplexity", reason });
    }
    // As openTSNE: small, so that early steps can still move everything.
    let spread = start.points.iter().map(|(x, _)| x * x).sum::<f64>() / rows as f64;
    let scale = 1e-4 / spread.sqrt().max(f64::MIN_POSITIVE);
    let begin: Vec<f32> =
        start.points.iter().flat_map(|(x, y)| [(x * scale) as f32, (y * scale) as f32]).collect();
    let near = nearest(embeddings, neighbours);
    let every: Vec<&[f32]> = (0..rows).map(|row| embeddings.row(row)).collect();
    // Sums over several threads are added up in an order of chance.
    let one = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .map_err(Error::library("starting a thread"))?;
    let flat = one.install(|| {
        let mut layout = bhtsne::tSNE::<f32, &[f32], 2>::new(&every);
        layout
            .perplexity(settings.perplexity as f32)
            .epochs(settings.epochs)
            .initial_embedding(begin)
            .epoch_callback(|epoch, _| watch(epoch + 1))
            .barnes_hut_with_neighbors(settings.theta as f32, &near);
        layout.embedding()
    });
    let points: Vec<(f64, f64)> =
        flat.chunks_exact(2).map(|xy| (f64::from(xy[0]), f64::from(xy[1]))).collect();
    if let Some(row) = points.iter().position(|(x, y)| !(x.is_finite() && y.is_finite())) {
        let reason = format!("row {row} has left the plane");
        return Err(Error::Library { what: "t-SNE", reason });
    }
    let axes = ["t-SNE, first axis".to_owned(), "t-SNE, second axis".to_owned()];
    Ok(Plane { points, truth: embeddings.truth.clone(), axes })
}

/// Each row's nearest others by Euclidean distance, exactly; of equals the earlier row.
fn nearest(embeddings: &Embeddings, count: usize) -> Vec<Vec<bhtsne::Neighbor<f32>>> {
    let of = |row: usize| {
        let here = embeddings.row(row);
        let mut others: Vec<(f32, usize)> = (0..embeddings.len())
            .filter(|&other| other != row)
            .map(|other| {
                let there = embeddings.row(other);
                (here.iter().zip(there).map(|(a, b)| (a - b) * (a - b)).sum::<f32>(), other)
            })
            .collect();
        let order = |a: &(f32, usize), b: &(f32, usize)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
        others.select_nth_unstable_by(count - 1, order);
        others.truncate(count);
        others.sort_by(order);
        let neighbour =
            |(square, index): (f32, usize)| bhtsne::Neighbor { index, distance: square.sqrt() };
        others.into_iter().map(neighbour).collect()
    };
    (0..embeddings.len()).into_par_iter().map(of).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rand::Rng;

    /// Three clouds in five dimensions.
    fn clouds(rows: usize) -> Embeddings {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let mut found = Embeddings { dimensions: 5, values: Vec::new(), truth: Vec::new() };
        for row in 0..rows {
            let cloud = row % 3;
            found.truth.push(cloud);
            found.values.extend((0..5).map(|dimension| {
                let middle = if dimension == cloud { 8.0 } else { 0.0 };
                middle + random.random_range(-1.0..1.0_f32)
            }));
        }
        found
    }

    fn apart(plane: &Plane) -> bool {
        let square = |a: (f64, f64), b: (f64, f64)| (a.0 - b.0).powi(2) + (a.1 - b.1).powi(2);
        let wrong = (0..plane.points.len()).filter(|&row| {
            let others = (0..plane.points.len()).filter(|&other| other != row);
            let near = others.min_by(|&a, &b| {
                let to = |other: usize| square(plane.points[row], plane.points[other]);
                to(a).total_cmp(&to(b))
            });
            near.is_none_or(|near| plane.truth[near] != plane.truth[row])
        });
        wrong.count() == 0
    }

    #[test]
    fn clouds_stay_apart_and_nothing_is_drawn_by_chance() {
        let clouds = clouds(150);
        let settings = TsneSettings { perplexity: 10.0, epochs: 300, theta: 0.5 };
        let mut steps = 0;
        let one = tsne(&clouds, &settings, &mut |_| steps += 1).unwrap();
        assert_eq!(steps, 300);
        assert!(apart(&one) && apart(&pca(&clouds).unwrap().plane));
        assert_eq!(one, tsne(&clouds, &settings, &mut |_| ()).unwrap());
        let svg = one.scatter("<clouds>", &["a".into(), "b & c".into(), "d".into()]);
        let svg = svg.draw().unwrap();
        assert!(svg.as_str().contains("b &amp; c") && svg.as_str().contains("&lt;clouds&gt;"));
    }

    #[test]
    fn components_are_orthogonal_and_the_same_for_rows_in_another_order() {
        let clouds = clouds(150);
        let found = pca(&clouds).unwrap();
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let [first, second] = &found.components;
        assert!((dot(first, first) - 1.0).abs() < 1e-9 && dot(first, second).abs() < 1e-9);
        assert!(found.explained[0] >= found.explained[1] && found.explained[1] > 0.1);
        let mut turned = clouds.clone();
        turned.values = (0..clouds.len()).rev().flat_map(|row| clouds.row(row).to_vec()).collect();
        let again = pca(&turned).unwrap();
        for (a, b) in found.components.concat().iter().zip(again.components.concat()) {
            assert!((a - b).abs() < 1e-6, "{a} {b}");
        }
    }

    #[test]
    fn a_sample_keeps_shares_and_loses_no_family() {
        let mut all = clouds(3_000);
        all.truth = (0..3_000).map(|row| if row == 17 { 2 } else { row % 2 }).collect();
        let sample = all.stratified(100, 1).unwrap();
        let count = |family| sample.truth.iter().filter(|of| **of == family).count();
        assert_eq!([count(0), count(1), count(2)], [50, 50, 1]);
        assert_eq!(sample, all.stratified(100, 1).unwrap());
        assert_ne!(sample, all.stratified(100, 2).unwrap());
        assert_eq!(all.stratified(3_000, 1).unwrap(), all);
        assert!(all.stratified(0, 1).is_err());
    }

    #[test]
    fn of_many_families_the_small_ones_share_a_series() {
        let families: Vec<String> = (0..40).map(|at| format!("family {at}")).collect();
        let truth: Vec<usize> = (0..40).flat_map(|at| vec![at; 1 + at / 10]).collect();
        let points = truth.iter().map(|&family| (family as f64, 0.0)).collect();
        let plane = Plane { points, truth, axes: ["x".into(), "y".into()] };
        let svg = plane.scatter("many", &families).draw().unwrap();
        // All but 27: the ten of one point, and three of two.
        assert!(svg.as_str().contains("13 smaller families (16)"), "{}", svg.as_str());
        assert!(svg.as_str().contains("family 39 (4)") && !svg.as_str().contains("family 3 ("));
    }

    #[test]
    fn what_has_no_picture_is_refused() {
        let said = |values: Vec<f32>| {
            let embeddings = Embeddings { dimensions: 2, values, truth: Vec::new() };
            pca(&embeddings).unwrap_err().to_string()
        };
        assert!(said(vec![1.0, 2.0]).contains("1 of 2 dimensions"));
        assert!(said(vec![1.0, 2.0, 3.0, f32::NAN, 5.0, 6.0]).contains("row 1 holds"));
        let few = tsne(&clouds(60), &TsneSettings::default(), &mut |_| ()).unwrap_err();
        assert!(few.to_string().contains("30 is too much for 60 rows"), "{few}");
    }
}
