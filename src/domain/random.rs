//! The one seam through which randomness enters the program.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::time::Timestamp;

/// Where unguessable bytes come from. Injected once, so that a test can know them beforehand.
pub trait Random: Send + Sync {
    fn fill(&self, bytes: &mut [u8]);
}

impl dyn Random + '_ {
    /// An unguessable token of `N` random bytes, printed in base64url without padding.
    pub fn token<const N: usize>(&self) -> String {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// A UUID of version 7, so that ids sort by time.
    pub fn uuid(&self, now: Timestamp) -> String {
        let mut tail = [0; 10];
        self.fill(&mut tail);
        let millis = u64::try_from(now.millis()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &tail).into_uuid().to_string()
    }
}
