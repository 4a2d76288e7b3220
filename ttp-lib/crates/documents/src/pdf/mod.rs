//! PDF: the text that pages show, as paragraphs.
//!
//! A reader of its own. The kept crates unpack without a bound, or turn on features of flate2 with
//! which polars would be compiled anew; and none of them looks at a clock. Nothing is drawn, run or
//! fetched; pictures, fonts' outlines, forms' fields and annotations are not read.

mod cmap;
mod content;
mod crypt;
mod file;
mod filters;
mod font;
mod layout;
mod lines;
mod names;
mod object;

use crate::budget::{Budget, Outcome};
use crate::listed;
use crate::select::Draft;
use content::Reader;
use file::File;
use object::{Dict, Lookup, Object};
use std::collections::HashSet;
use std::rc::Rc;

/// Most nodes of the tree of pages for each page that may be read.
const NODES: usize = 4;

/// The drafts of a PDF file.
pub(crate) fn drafts(
    bytes: &[u8],
    budget: &mut Budget,
    notes: &mut Vec<String>,
) -> Outcome<Vec<Draft>> {
    let file = File::open(bytes, budget)?;
    let pages = pages(&file, budget)?;
    let mut reader = Reader::new(&file);
    let mut read = Vec::with_capacity(pages.len());
    let (mut pictured, mut recognised, mut pictures) = (Vec::new(), Vec::new(), false);
    for (at, page) in pages.iter().enumerate() {
        let number = at + 1;
        let mut pieces = read_page(&mut reader, &file, page, budget)
            .map_err(|reason| format!("page {number}: {reason}"))?;
        // What a text recognition found in a scanned page lies unseen over its picture.
        if reader.pictures && pieces.iter().all(|piece| piece.hidden) && !pieces.is_empty() {
            pieces.iter_mut().for_each(|piece| piece.hidden = false);
            recognised.push(number);
        }
        if pieces.is_empty() && reader.pictures {
            pictured.push(number);
        }
        pictures |= std::mem::take(&mut reader.pictures);
        read.push(lines::of_page(pieces));
    }
    if read.iter().all(Vec::is_empty) {
        return Err(match (reader.unknown > 0, pictures) {
            (true, _) => "holds no text that can be read: its fonts do not say which characters \
                          they show"
                .to_owned(),
            (_, true) => "holds pictures only, no text: run a text recognition first".to_owned(),
            _ => "holds no text".to_owned(),
        });
    }
    if reader.unknown > 0 {
        let unknown = reader.unknown;
        notes.push(format!("{unknown} characters left out: their fonts do not say what they are"));
    }
    if reader.white > 0 {
        let white = reader.white;
        notes.push(format!(
            "{white} words are white, which nobody sees on a white page: read as others"
        ));
    }
    if !recognised.is_empty() {
        let pages = listed(&recognised);
        notes.push(format!(
            "pages whose text is what a text recognition found in a picture: {pages}"
        ));
    }
    if !pictured.is_empty() {
        notes.push(format!("pages with pictures only, no text: {}", listed(&pictured)));
    }
    layout::drafts(read, budget)
}

/// A page, and what it has from the nodes above it. Objects are read again when the page is:
/// thousands of pages may share what is large.
struct Page {
    object: Object,
    /// The lowest node with resources, as what refers to it.
    holder: Rc<Object>,
    turned: f64,
}

/// The pages in their order.
fn pages(file: &File<'_>, budget: &Budget) -> Outcome<Vec<Page>> {
    let no_pages = || "a damaged PDF: no page is found".to_owned();
    let root = file.resolve(file.root.as_ref().ok_or_else(no_pages)?, budget)?;
    let tree = root.dict().and_then(|root| root.get(&b"Pages"[..])).ok_or_else(no_pages)?;
    let most = budget.pages;
    let too_many = |count: usize| format!("{count} pages or more, and at most {most} are read");
    let mut pages: Vec<Page> = Vec::new();
    let mut seen = HashSet::new();
    let mut nodes = 0;
    // What is still to be looked at, the next one last.
    let mut open = vec![(tree.clone(), Rc::new(Object::Null), 0.0)];
    while let Some((object, holder, turned)) = open.pop() {
        budget.check()?;
        nodes += 1;
        if nodes > most.saturating_mul(NODES) {
            return Err(too_many(most));
        }
        if let Object::Reference(number) = object
            && !seen.insert(number)
        {
            return Err("its tree of pages is a loop".to_owned());
        }
        if !file.has(&object) {
            let page = pages.len() + 1;
            return Err(format!("page {page}: missing from a damaged or truncated PDF"));
        }
        let Object::Dict(dict) = file.resolve(&object, budget)? else { continue };
        let own = dict.contains_key(&b"Resources"[..]);
        let holder = if own { Rc::new(object.clone()) } else { holder };
        let turned = file.get(&dict, b"Rotate", budget)?.number().unwrap_or(turned);
        match file.get(&dict, b"Kids", budget)? {
            Object::Array(kids) => {
                if pages.len() + kids.len() > most {
                    return Err(too_many(pages.len() + kids.len()));
                }
                for kid in kids.into_iter().rev() {
                    open.push((kid, Rc::clone(&holder), turned));
                }
            }
            _ if pages.len() >= most => return Err(too_many(most + 1)),
            _ => pages.push(Page { object, holder, turned }),
        }
    }
    if pages.is_empty() { Err(no_pages()) } else { Ok(pages) }
}

fn read_page(
    reader: &mut Reader<'_, '_>,
    file: &File<'_>,
    page: &Page,
    budget: &mut Budget,
) -> Outcome<Vec<content::Piece>> {
    let page_dict = file.resolve(&page.object, budget)?;
    let empty = Dict::new();
    let contents =
        page_dict.dict().unwrap_or(&empty).get(&b"Contents"[..]).cloned().unwrap_or(Object::Null);
    let streams = match file.resolve(&contents, budget)? {
        Object::Array(streams) => streams,
        _ => vec![contents],
    };
    let mut content = Vec::new();
    for stream in &streams {
        if let Some((_, bytes)) = file.stream(stream, budget)? {
            content.extend_from_slice(&bytes);
            // A stream ends a word.
            content.push(b'\n');
        }
    }
    let holder = file.resolve(&page.holder, budget)?;
    let resources = file.get(holder.dict().unwrap_or(&empty), b"Resources", budget)?;
    reader.page(&content, resources.dict().unwrap_or(&empty), page.turned, budget)?;
    let mut pieces = std::mem::take(&mut reader.pieces);
    pieces.retain(|piece| !piece.text.trim().is_empty());
    Ok(pieces)
}
