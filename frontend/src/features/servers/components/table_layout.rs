//! Which columns fit, and how wide each is: decided from the table's width, the same for every row.

use crate::features::servers::rows::Column;

/// The width of the column with the tick boxes, which is always there.
pub const SELECT_WIDTH: u32 = 40;

/// The room at a row's end for the button of all that can be done to it; the styles keep it free.
fn end_width(width: u32) -> u32 {
    if is_narrow(width) { 28 } else { 36 }
}

/// The columns that fit into `width` pixels, in the order chosen. The least important give way first; the name stays.
pub fn visible_columns(chosen: &[Column], width: u32) -> Vec<Column> {
    let mut visible = chosen.to_vec();
    loop {
        let needed: u32 = SELECT_WIDTH
            + end_width(width)
            + visible.iter().map(|column| measure(*column, width).least).sum::<u32>();
        if needed <= width || visible.len() <= 1 {
            return visible;
        }
        let Some(first_to_go) = (0..visible.len()).max_by_key(|at| measure(visible[*at], width).gives_way)
        else {
            return visible;
        };
        visible.remove(first_to_go);
    }
}

/// The value of `grid-template-columns`. Every width is definite, so all rows come out alike without being measured.
pub fn grid_template(columns: &[Column], width: u32) -> String {
    let mut template = format!("{SELECT_WIDTH}px");
    for column in columns {
        match measure(*column, width) {
            Measure { least, share: 0, .. } => template.push_str(&format!(" {least}px")),
            Measure { least, share, .. } => template.push_str(&format!(" minmax({least}px, {share}fr)")),
        }
    }
    template
}

/// How many of a server's addresses fit into their column.
pub fn addresses_shown(columns: &[Column], width: u32) -> usize {
    let measures = || columns.iter().map(|column| measure(*column, width));
    let (least, shares) = measures()
        .fold((SELECT_WIDTH + end_width(width), 0), |(least, shares), measure| {
            (least + measure.least, shares + measure.share)
        });
    let addresses = measure(Column::Addresses, width);
    let own = addresses.least + width.saturating_sub(least) * addresses.share / shares.max(1);
    if own < TWO_ADDRESSES { 1 } else { 2 }
}

/// Two IPv4 addresses and what else is in their cell.
const TWO_ADDRESSES: u32 = 236;

/// True where a status is its icon alone; its word is then for screen readers and the tooltip.
pub fn is_narrow(width: u32) -> bool {
    width < NARROW
}

/// Tables below this width belong to phones.
const NARROW: u32 = 480;

struct Measure {
    /// Pixels below which it is of no use.
    least: u32,
    /// Its share of what is left over; 0 keeps it as it is.
    share: u32,
    /// The higher, the sooner it goes.
    gives_way: u32,
}

fn measure(column: Column, width: u32) -> Measure {
    let (least, share, gives_way) = match column {
        Column::Name => (if is_narrow(width) { 144 } else { 150 }, 22, 0),
        Column::Status if is_narrow(width) => (36, 0, 1),
        Column::Status => (128, 14, 1),
        Column::Addresses => (if is_narrow(width) { 124 } else { 140 }, 22, 2),
        Column::Region => (104, 10, 3),
        Column::Created => (124, 9, 6),
        Column::Flavor => (148, 12, 5),
        Column::Tags => (136, 26, 7),
        Column::Image => (140, 16, 4),
        Column::Ram => (84, 6, 8),
        Column::Vcpus => (76, 5, 9),
        Column::Disk => (84, 6, 10),
        Column::Zone => (104, 8, 11),
        Column::Updated => (124, 9, 12),
        Column::Id => (292, 10, 13),
    };
    Measure { least, share, gives_way }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_table_shows_every_column_in_the_order_chosen() {
        assert_eq!(visible_columns(&Column::DEFAULT, 1_400), Column::DEFAULT);
        let chosen = [Column::Name, Column::Region, Column::Status];
        assert_eq!(visible_columns(&chosen, 1_400), chosen);
    }

    #[test]
    fn a_phone_shows_what_tells_servers_apart() {
        let on_a_phone = visible_columns(&Column::DEFAULT, 390);
        assert_eq!(on_a_phone, [Column::Status, Column::Name, Column::Addresses]);
    }

    #[test]
    fn a_second_address_shows_where_there_is_room_for_it_whole() {
        assert_eq!(addresses_shown(&Column::DEFAULT, 1_200), 1);
        assert_eq!(addresses_shown(&Column::DEFAULT, 1_900), 2);
        assert_eq!(addresses_shown(&[Column::Name, Column::Addresses], 800), 2);
    }

    #[test]
    fn the_last_column_stays_however_narrow_the_table_is() {
        assert_eq!(visible_columns(&Column::DEFAULT, 10), [Column::Name]);
        assert_eq!(visible_columns(&[Column::Id], 10), [Column::Id]);
        assert_eq!(visible_columns(&[], 10), []);
    }

    #[test]
    fn a_template_has_a_width_for_the_tick_box_and_for_each_column() {
        let columns = [Column::Status, Column::Name];
        assert_eq!(grid_template(&columns, 900), "40px minmax(128px, 14fr) minmax(150px, 22fr)");
        assert_eq!(grid_template(&columns, 390), "40px 36px minmax(144px, 22fr)");
    }
}
