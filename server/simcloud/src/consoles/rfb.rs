//! The server's side of RFB 3.8 (RFC 6143), as far as viewers need it: no security, raw pixels in the form
//! they ask for, keys.

use super::Facts;
use super::registry::ScreenKey;
use super::screen::{HEIGHT, Picture, Screen, WIDTH};

/// What both sides say first.
pub const VERSION: &[u8] = b"RFB 003.008\n";

/// A viewer's connection.
pub struct Rfb {
    stage: Stage,
    /// What came and is not yet whole.
    input: Vec<u8>,
    format: PixelFormat,
    screen: Screen,
    /// What the viewer has.
    sent: Option<Picture>,
    /// The viewer waits for what changes in this area.
    waiting: Option<Area>,
    is_control_down: bool,
    /// What was pressed since it was asked for last.
    keys: Vec<ScreenKey>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Version,
    Security,
    Init,
    Running,
}

#[derive(Clone, Copy, Debug)]
struct Area {
    x: usize,
    y: usize,
    width: usize,
    height: usize,
}

/// How a viewer wants its pixels (RFC 6143, 7.4).
#[derive(Clone, Copy, Debug)]
struct PixelFormat {
    bytes: usize,
    is_big_endian: bool,
    /// The largest value and the position of red, green and blue.
    colors: [(u16, u8); 3],
}

/// What a server offers here: 32 bits, as nearly every viewer wants them.
const OWN_FORMAT: [u8; 16] = [32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0];

const RAW: i32 = 0;
const CONTROL_KEYS: [u32; 2] = [0xffe3, 0xffe4];

impl Rfb {
    pub fn new(facts: &Facts) -> Self {
        Rfb {
            stage: Stage::Version,
            input: Vec::new(),
            format: PixelFormat::read(&OWN_FORMAT),
            screen: Screen::new(facts),
            sent: None,
            waiting: None,
            is_control_down: false,
            keys: Vec::new(),
        }
    }

    /// What was pressed since this was asked last, oldest first.
    pub fn take_keys(&mut self) -> Vec<ScreenKey> {
        std::mem::take(&mut self.keys)
    }

    /// What the server says to what came and has happened since. The error ends the connection, with what
    /// is said last.
    pub fn advance(&mut self, received: &[u8], facts: &Facts) -> Result<Vec<u8>, Vec<u8>> {
        self.input.extend_from_slice(received);
        let mut said = Vec::new();
        let mut typed = Vec::new();
        let mut asked = None;
        while let Some(length) = self.message_length() {
            if self.input.len() < length {
                break;
            }
            let message: Vec<u8> = self.input.drain(..length).collect();
            match self.stage {
                Stage::Version if !message.starts_with(b"RFB ") => return Err(said),
                Stage::Version => {
                    self.stage = Stage::Security;
                    // One type: none.
                    said.extend([1, 1]);
                }
                Stage::Security => {
                    self.stage = Stage::Init;
                    let is_none = message == [1];
                    said.extend(u32::from(!is_none).to_be_bytes());
                    if !is_none {
                        return Err(said);
                    }
                }
                Stage::Init => {
                    self.stage = Stage::Running;
                    said.extend(greeting(&facts.name));
                }
                Stage::Running => match message[0] {
                    0 => self.format = PixelFormat::read(&message[4..20]),
                    3 => asked = Some((message[1] != 0, Area::read(&message[2..10]))),
                    4 => typed.extend(self.key(&message)),
                    2 | 5 | 6 => {}
                    _unknown => return Err(said),
                },
            }
        }
        if self.stage == Stage::Running {
            self.screen.advance(&typed, facts);
            match asked {
                Some((false, area)) => {
                    let picture = self.screen.picture(facts);
                    said.extend(self.update(&picture, area));
                    self.sent = Some(picture);
                    self.waiting = None;
                }
                Some((true, area)) => self.waiting = Some(area),
                None => {}
            }
            said.extend(self.changes(facts));
        }
        Ok(said)
    }

    /// How long the message is that the input begins with; `None` where that is not known yet.
    fn message_length(&self) -> Option<usize> {
        let long = |at: usize| {
            let bytes = self.input.get(at..at + 4)?;
            Some(u32::from_be_bytes(bytes.try_into().ok()?) as usize)
        };
        let short =
            |at: usize| Some(usize::from(u16::from_be_bytes(self.input.get(at..at + 2)?.try_into().ok()?)));
        match self.stage {
            Stage::Version => Some(VERSION.len()),
            Stage::Security | Stage::Init => Some(1),
            Stage::Running => match self.input.first()? {
                0 => Some(20),
                2 => Some(4 + 4 * short(2)?),
                3 => Some(10),
                4 => Some(8),
                5 => Some(6),
                // A pasted text; longer ones end the connection as an unknown message would.
                6 => Some(8 + long(4)?.min(1 << 20)),
                _unknown => Some(1),
            },
        }
    }

    /// What a key types.
    fn key(&mut self, message: &[u8]) -> Vec<u8> {
        let is_down = message[1] != 0;
        let symbol = u32::from_be_bytes([message[4], message[5], message[6], message[7]]);
        self.keys.push(ScreenKey { keysym: symbol, is_down });
        if CONTROL_KEYS.contains(&symbol) {
            self.is_control_down = is_down;
            return Vec::new();
        }
        if !is_down {
            return Vec::new();
        }
        match symbol {
            0xff0d | 0xff8d => b"\r".to_vec(),
            0xff08 => b"\x7f".to_vec(),
            0x61..=0x7a if self.is_control_down => vec![u8::try_from(symbol & 0x1f).unwrap_or(0)],
            // Latin-1 stands for itself, and the rest of Unicode from here on.
            0x20..=0x7e | 0xa0..=0xff => char_of(symbol),
            0x0100_0100..=0x0110_ffff => char_of(symbol - 0x0100_0000),
            _other => Vec::new(),
        }
    }

    /// The rows that have changed since the viewer got them, where it waits for them.
    fn changes(&mut self, facts: &Facts) -> Vec<u8> {
        let Some(area) = self.waiting else { return Vec::new() };
        let picture = self.screen.picture(facts);
        let is_changed = |y: &usize| match &self.sent {
            Some(sent) => sent[y * WIDTH..(y + 1) * WIDTH] != picture[y * WIDTH..(y + 1) * WIDTH],
            None => true,
        };
        let rows: Vec<usize> = (area.y..area.y + area.height).filter(is_changed).collect();
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Vec::new() };
        let said = self.update(&picture, Area { y: *first, height: last - first + 1, ..area });
        self.sent = Some(picture);
        self.waiting = None;
        said
    }

    /// An update of one rectangle.
    fn update(&self, picture: &Picture, area: Area) -> Vec<u8> {
        let Area { x, y, width, height } = area;
        let mut said = vec![0, 0, 0, 1];
        for number in [x, y, width, height] {
            said.extend(u16::try_from(number).unwrap_or(0).to_be_bytes());
        }
        said.extend(RAW.to_be_bytes());
        said.reserve(width * height * self.format.bytes);
        for row in y..y + height {
            for dot in &picture[row * WIDTH + x..row * WIDTH + x + width] {
                self.format.write(*dot, &mut said);
            }
        }
        said
    }
}

impl Area {
    /// An area as a viewer names it, cut to the screen.
    fn read(bytes: &[u8]) -> Self {
        let number = |at: usize| usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]));
        let (x, y) = (number(0).min(WIDTH), number(2).min(HEIGHT));
        Area { x, y, width: number(4).min(WIDTH - x), height: number(6).min(HEIGHT - y) }
    }
}

impl PixelFormat {
    fn read(bytes: &[u8]) -> Self {
        let most = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
        // A palette is not offered; a viewer that wants one gets eight bits of true color.
        let is_true_color = bytes[3] != 0;
        let colors = if is_true_color {
            [(most(4), bytes[10] & 31), (most(6), bytes[11] & 31), (most(8), bytes[12] & 31)]
        } else {
            [(7, 0), (7, 3), (3, 6)]
        };
        PixelFormat { bytes: usize::from((bytes[0] / 8).clamp(1, 4)), is_big_endian: bytes[2] != 0, colors }
    }

    fn write(&self, dot: [u8; 3], target: &mut Vec<u8>) {
        let mut value: u32 = 0;
        for (part, (most, shift)) in dot.into_iter().zip(self.colors) {
            value |= (u32::from(part) * u32::from(most) / 255) << shift;
        }
        let bytes = value.to_le_bytes();
        if self.is_big_endian {
            target.extend(bytes[..self.bytes].iter().rev());
        } else {
            target.extend(&bytes[..self.bytes]);
        }
    }
}

/// The size of the screen, its pixels and its name.
fn greeting(name: &str) -> Vec<u8> {
    let mut said = Vec::new();
    said.extend(u16::try_from(WIDTH).unwrap_or(0).to_be_bytes());
    said.extend(u16::try_from(HEIGHT).unwrap_or(0).to_be_bytes());
    said.extend(OWN_FORMAT);
    said.extend(u32::try_from(name.len()).unwrap_or(0).to_be_bytes());
    said.extend(name.as_bytes());
    said
}

fn char_of(code: u32) -> Vec<u8> {
    char::from_u32(code).map(|c| c.to_string().into_bytes()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(seconds: i64) -> Facts {
        Facts {
            name: "web-01".to_owned(),
            host_name: "web-01".to_owned(),
            status: "ACTIVE".to_owned(),
            addresses: Vec::new(),
            log: "booted".to_owned(),
            now: chrono::DateTime::from_timestamp(seconds, 0).expect("a time"),
        }
    }

    /// A viewer that has shaken hands.
    fn viewer() -> Rfb {
        let mut rfb = Rfb::new(&facts(0));
        assert_eq!(rfb.advance(&VERSION[..5], &facts(0)), Ok(vec![]), "half a message waits for its rest");
        assert_eq!(rfb.advance(&VERSION[5..], &facts(0)), Ok(vec![1, 1]));
        assert_eq!(rfb.advance(&[1], &facts(0)), Ok(vec![0, 0, 0, 0]));
        let init = rfb.advance(&[1], &facts(0)).expect("a greeting");
        assert_eq!(init[..4], [2, 128, 1, 144]);
        assert_eq!(init[24..], *b"web-01");
        rfb
    }

    fn request(is_incremental: bool) -> Vec<u8> {
        let mut message = vec![3, u8::from(is_incremental), 0, 0, 0, 0];
        message.extend(640_u16.to_be_bytes());
        message.extend(400_u16.to_be_bytes());
        message
    }

    #[test]
    fn the_whole_picture_comes_first_and_then_what_changes() {
        let mut rfb = viewer();
        let whole = rfb.advance(&request(false), &facts(0)).expect("an update");
        assert_eq!(whole.len(), 16 + WIDTH * HEIGHT * 4);
        assert_eq!(rfb.advance(&request(true), &facts(0)), Ok(vec![]), "nothing has changed");
        let clock = rfb.advance(&[], &facts(1)).expect("an update");
        assert!(clock.len() > 16 && clock.len() <= 16 + WIDTH * 16 * 4, "{}", clock.len());
        assert_eq!(rfb.advance(&[], &facts(2)), Ok(vec![]), "it was not asked for");
    }

    #[test]
    fn a_key_changes_the_picture() {
        let mut rfb = viewer();
        rfb.advance(&request(false), &facts(0)).expect("an update");
        rfb.advance(&request(true), &facts(0)).expect("nothing");
        let key = [4, 1, 0, 0, 0, 0, 0, b'x'];
        assert!(!rfb.advance(&key, &facts(0)).expect("an update").is_empty());
        assert_eq!(rfb.take_keys(), [ScreenKey { keysym: u32::from(b'x'), is_down: true }]);
        assert_eq!(rfb.take_keys(), []);
    }

    #[test]
    fn pixels_come_in_the_form_that_was_asked_for() {
        let mut rfb = viewer();
        // 16 bits, 5-6-5, big-endian.
        let format = [16, 16, 1, 1, 0, 31, 0, 63, 0, 31, 11, 5, 0, 0, 0, 0];
        let mut message = vec![0, 0, 0, 0];
        message.extend(format);
        message.extend(request(false));
        let update = rfb.advance(&message, &facts(0)).expect("an update");
        assert_eq!(update.len(), 16 + WIDTH * HEIGHT * 2);
        // The first dot is the bar's: 2a 5c 9a.
        assert_eq!(update[16..18], (0x05_u16 << 11 | 0x16 << 5 | 0x12).to_be_bytes());
    }

    #[test]
    fn nonsense_ends_the_connection() {
        assert!(Rfb::new(&facts(0)).advance(b"GET / HTTP/1.1\r\n", &facts(0)).is_err());
        assert!(viewer().advance(&[99], &facts(0)).is_err());
        let mut other = Rfb::new(&facts(0));
        other.advance(VERSION, &facts(0)).expect("types");
        assert_eq!(other.advance(&[2], &facts(0)), Err(vec![0, 0, 0, 1]));
    }
}
