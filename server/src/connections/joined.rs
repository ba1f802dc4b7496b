//! Small writes in one piece.

use std::{
    cell::RefCell,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
};

use hyper::rt::{Read, ReadBufCursor, Write};

/// A stream that puts the pieces of a small write together. To the kernel one piece is a quarter of a microsecond less
/// work than two, head and body of an answer, and the copy takes a tenth of that.
pub struct Joined<S>(pub S);

/// Whole answers of one server and pages of its size. Copying more than that gains nothing.
const MOST_COPIED: usize = 8 << 10;

thread_local! {
    static TOGETHER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl<S: Read + Unpin> Read for Joined<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl<S: Write + Unpin> Write for Joined<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let stream = Pin::new(&mut self.0);
        if let [only] = pieces {
            return stream.poll_write(context, only);
        }
        if pieces.iter().map(|piece| piece.len()).sum::<usize>() > MOST_COPIED {
            return stream.poll_write_vectored(context, pieces);
        }
        TOGETHER.with_borrow_mut(|together| {
            together.clear();
            pieces.iter().for_each(|piece| together.extend_from_slice(piece));
            stream.poll_write(context, together)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::poll_fn,
        sync::{Arc, Mutex},
    };

    use super::*;

    /// Takes at most so many bytes at a time, and notes each write.
    struct Narrow(usize, Arc<Mutex<Vec<Vec<u8>>>>);

    impl Write for Narrow {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            let taken = &bytes[..bytes.len().min(self.0)];
            self.1.lock().expect("no panic").push(taken.to_vec());
            Poll::Ready(Ok(taken.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    /// What a write of these pieces takes, and what it hands on.
    async fn written(most: usize, pieces: &[&[u8]]) -> (usize, Vec<Vec<u8>>) {
        let noted = Arc::default();
        let mut joined = Joined(Narrow(most, Arc::clone(&noted)));
        let pieces: Vec<_> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
        let write = poll_fn(|context| Pin::new(&mut joined).poll_write_vectored(context, &pieces));
        let taken = write.await.expect("it takes some");
        let noted = noted.lock().expect("no panic").clone();
        (taken, noted)
    }

    #[tokio::test]
    async fn what_is_small_is_written_in_one_piece() {
        assert_eq!(written(100, &[b"head", b"", b"body"]).await, (8, vec![b"headbody".to_vec()]));
        assert_eq!(written(100, &[b"head"]).await, (4, vec![b"head".to_vec()]));
        assert_eq!(
            written(6, &[b"head", b"body"]).await,
            (6, vec![b"headbo".to_vec()]),
            "as far as there is room"
        );
    }

    #[tokio::test]
    async fn what_is_long_is_not_copied() {
        let body = vec![b'x'; MOST_COPIED];
        // This stream takes one piece at a time.
        assert_eq!(written(100_000, &[b"head", &body]).await, (4, vec![b"head".to_vec()]));
    }
}
