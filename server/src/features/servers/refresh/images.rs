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
    /// Images that were asked for by themselves, and when they may be again.
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
        let due_at = self.index.asked_images.lock().list_due_at;
        if due_at.is_some_and(|due_at| Instant::now() < due_at) {
            return;
        }
        // Noted once there is an answer: whoever comes after somebody left in the middle is to have the names too.
        let again_after = match self.ask(ServiceType::Image, |up, at| up.list_image_names(at).boxed()).await {
            Ok(names) => {
                self.learn_images(names);
                LISTED_FOR
            }
            Err(trouble) => {
                let region = &self.index.key.region;
                tracing::debug!(upstream_region = %region, error = %trouble.chain(), "no names of images");
                AGAIN_AFTER
            }
        };
        self.index.asked_images.lock().list_due_at = Some(Instant::now() + again_after);
    }

    /// Images that the list does not have: of another project, hidden, or deleted.
    async fn look_up_images(&self) {
        let unnamed: Vec<String> =
            self.index.read(|rows| rows.unnamed_images().take(MOST_UNNAMED).map(str::to_owned).collect());
        let unknown: Vec<String> = {
            let mut asked = self.index.asked_images.lock();
            asked.looked_up.retain(|_, due_at| Instant::now() < *due_at);
            unnamed.into_iter().filter(|id| !asked.looked_up.contains_key(id)).take(AT_ONCE).collect()
        };
        for id in unknown {
            let image = id.clone();
            let found = self.ask(ServiceType::Image, move |up, at| {
                let (up, image) = (up.clone(), image.clone());
                async move { up.show_image_name(at, &image).await }.boxed()
            });
            let found = found.await;
            let is_well = found.is_ok();
            let due_at = Instant::now() + if is_well { LISTED_FOR } else { AGAIN_AFTER };
            self.index.asked_images.lock().looked_up.insert(id.clone(), due_at);
            if let Ok(Some(name)) = found {
                self.learn_images(HashMap::from([(id, name)]));
            }
            if !is_well {
                // The rest can wait.
                break;
            }
        }
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
