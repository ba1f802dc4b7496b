//! Names of images: rows show ids until they are known, and no row waits for them.

use std::{collections::HashMap, time::Duration};

use futures_util::FutureExt;
use tokio::time::{Instant, sleep};

use super::Keeper;
use crate::{features::servers::decode::Names, upstream::ServiceType};

/// What was asked of the image service, so that it is not asked again on every opening.
#[derive(Default)]
pub struct AskedImages {
    /// When the list is to be asked for; `None`: it never was.
    list_due_at: Option<Instant>,
    /// Images that were asked for by themselves, and when.
    looked_up: HashMap<String, Instant>,
}

impl Keeper<'_> {
    /// Learns the names of images while somebody looks; never ends by itself.
    pub(super) async fn learn_image_names(&self) {
        let mut news = self.index.news();
        loop {
            self.list_images_if_due().await;
            self.look_up_images().await;
            // Rows with images that are not known come with the news, if at all.
            if news.changed().await.is_err() {
                return;
            }
            sleep(PAUSE).await;
        }
    }

    async fn list_images_if_due(&self) {
        let now = Instant::now();
        let due_at = self.index.asked_images.lock().list_due_at.replace(now + LISTED_FOR);
        if let Some(due_at) = due_at.filter(|due_at| now < *due_at) {
            self.index.asked_images.lock().list_due_at = Some(due_at);
            return;
        }
        match self.ask(ServiceType::Image, |up, at| up.list_image_names(at).boxed()).await {
            Ok(names) => self.learn_images(names),
            Err(trouble) => {
                let region = &self.index.key.region;
                tracing::debug!(%region, error = %trouble.chain(), "no names of images");
                self.index.asked_images.lock().list_due_at = Some(Instant::now() + AGAIN_AFTER);
            }
        }
    }

    /// Images that the list does not have: of another project, hidden, or deleted.
    async fn look_up_images(&self) {
        let unnamed: Vec<String> =
            self.index.read(|rows| rows.unnamed_images().take(MOST_UNNAMED).map(str::to_owned).collect());
        let unknown: Vec<String> = {
            let mut asked = self.index.asked_images.lock();
            asked.looked_up.retain(|_, at| at.elapsed() < LISTED_FOR);
            unnamed.into_iter().filter(|id| !asked.looked_up.contains_key(id)).take(AT_ONCE).collect()
        };
        let mut names = HashMap::new();
        for id in unknown {
            self.index.asked_images.lock().looked_up.insert(id.clone(), Instant::now());
            let image = id.clone();
            let found = self.ask(ServiceType::Image, move |up, at| {
                let (up, image) = (up.clone(), image.clone());
                async move { up.show_image_name(at, &image).await }.boxed()
            });
            match found.await {
                Ok(Some(name)) => {
                    names.insert(id, name);
                }
                Ok(None) => {}
                // The service is unwell; the rest can wait.
                Err(_) => break,
            }
        }
        self.learn_images(names);
    }

    /// Without room for the names rows go on showing ids.
    fn learn_images(&self, images: HashMap<String, String>) {
        let names = Names { images, ..Names::default() };
        if self.shared.has_room_for(names.bytes()) {
            self.index.learn_images(names.images);
        }
    }
}

/// A list of names is good for so long; images are renamed and added seldom.
const LISTED_FOR: Duration = Duration::from_secs(600);
const AGAIN_AFTER: Duration = Duration::from_secs(30);
/// News come in bursts.
const PAUSE: Duration = Duration::from_secs(1);
/// Images looked up in one go, and how many of those waiting are looked at for it.
const AT_ONCE: usize = 20;
const MOST_UNNAMED: usize = 2000;
