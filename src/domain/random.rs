//! The one seam through which randomness enters the program.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

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

    /// Sixteen random bytes, for a UUID.
    pub fn sixteen(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        self.fill(&mut bytes);
        bytes
    }
}
