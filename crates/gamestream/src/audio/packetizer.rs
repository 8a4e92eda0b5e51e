//! Opus packets into datagrams (GameStream spec sections 6.1 to 6.3).
//!
//! Once per packet, a few hundred times a second. The buffers grow with the first packets and are kept.

use aes::{
    Aes128,
    cipher::{BlockCipherEncrypt as _, KeyInit as _},
};
use fec_rs::galois;

/// How a session's sound is sent.
#[derive(Clone, Copy, Debug)]
pub struct AudioParams {
    /// Milliseconds of sound in a packet, by which the timestamps grow.
    pub packet_ms: u8,
    /// `rikeyid`, on which the encryption's IVs are based.
    pub key_id: u32,
}

/// Why a packet was not taken. A bug on our side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpusError {
    /// Empty, or longer than a datagram can be.
    #[error("an Opus packet of {0} bytes fits no datagram")]
    Size(usize),
    /// Of another length than those before it: parity covers packets of one length only.
    #[error("an Opus packet of {is} bytes came among packets of {was}: the encoder's bitrate is not constant")]
    Length {
        /// Its length.
        is: usize,
        /// Theirs.
        was: usize,
    },
}

/// Data packets of a block.
const DATA: usize = 4;
/// The parity of a block: a factor for each of its packets.
const PARITY: [[u8; DATA]; 2] = [[0x77, 0x40, 0x38, 0x0E], [0xC7, 0xA7, 0x0D, 0x6C]];
/// Bytes of an RTP header.
const RTP: usize = 12;
/// Bytes of a parity packet before the parity.
const PARITY_HEAD: usize = RTP + 12;
/// The longest datagram a client takes.
const MAX_DATAGRAM: usize = 1_400;
const TYPE_DATA: u8 = 97;
const TYPE_PARITY: u8 = 127;
const AES_BLOCK: usize = 16;

/// Turns Opus packets into datagrams.
pub struct Packetizer {
    params: AudioParams,
    cipher: Option<Aes128>,
    sequence: u16,
    timestamp: u32,
    /// Bytes of every packet, known with the first.
    length: Option<usize>,
    /// The block's payloads so far.
    block: Vec<u8>,
    /// The datagram being made.
    datagram: Vec<u8>,
}

impl Packetizer {
    /// For one session. `key` encrypts, if that was agreed.
    pub fn new(params: AudioParams, key: Option<&[u8; 16]>) -> Self {
        let cipher = key.map(|key| Aes128::new(key.into()));
        let (block, datagram) = (Vec::new(), Vec::new());
        Self { params, cipher, sequence: 0, timestamp: 0, length: None, block, datagram }
    }

    /// Hands the packet's datagram to `send`, and after the last of a block those of its parity.
    ///
    /// # Errors
    /// [`OpusError`]; nothing was handed on.
    pub fn push(&mut self, opus: &[u8], mut send: impl FnMut(&[u8])) -> Result<(), OpusError> {
        if opus.is_empty() || opus.len() > MAX_DATAGRAM - PARITY_HEAD - AES_BLOCK {
            return Err(OpusError::Size(opus.len()));
        }
        match *self.length.get_or_insert(opus.len()) {
            was if was != opus.len() => return Err(OpusError::Length { is: opus.len(), was }),
            _ => {}
        }
        if usize::from(self.sequence).is_multiple_of(DATA) {
            self.block.clear();
        }
        self.begin_datagram(TYPE_DATA, self.sequence, self.timestamp);
        let begin = self.block.len();
        self.block.extend_from_slice(opus);
        self.encrypt(begin);
        self.datagram.extend_from_slice(&self.block[begin..]);
        send(&self.datagram);
        let last = usize::from(self.sequence) % DATA == DATA - 1;
        (self.sequence, self.timestamp) =
            (self.sequence.wrapping_add(1), self.timestamp.wrapping_add(self.params.packet_ms.into()));
        if last {
            self.send_parity(&mut send);
        }
        Ok(())
    }

    fn begin_datagram(&mut self, kind: u8, sequence: u16, timestamp: u32) {
        self.datagram.clear();
        self.datagram.extend_from_slice(&[0x80, kind]);
        self.datagram.extend_from_slice(&sequence.to_be_bytes());
        self.datagram.extend_from_slice(&timestamp.to_be_bytes());
        self.datagram.extend_from_slice(&[0; 4]);
    }

    /// Pads and encrypts the block's last payload, which begins at `begin`: AES-128-CBC with PKCS#7.
    fn encrypt(&mut self, begin: usize) {
        let Some(cipher) = &self.cipher else { return };
        let pad = AES_BLOCK - (self.block.len() - begin) % AES_BLOCK;
        self.block.resize(self.block.len() + pad, pad as u8);
        let mut before = [0; AES_BLOCK];
        let number = self.params.key_id.wrapping_add(self.sequence.into());
        before[..4].copy_from_slice(&number.to_be_bytes());
        for chunk in self.block[begin..].as_chunks_mut::<AES_BLOCK>().0 {
            chunk.iter_mut().zip(before).for_each(|(byte, mask)| *byte ^= mask);
            cipher.encrypt_block(chunk.into());
            before = *chunk;
        }
    }

    fn send_parity(&mut self, send: &mut impl FnMut(&[u8])) {
        let length = self.block.len() / DATA;
        let base = self.sequence.wrapping_sub(DATA as u16);
        let base_time = self.timestamp.wrapping_sub(u32::from(self.params.packet_ms) * DATA as u32);
        for (row, factors) in (0_u8..).zip(PARITY) {
            self.begin_datagram(TYPE_PARITY, self.sequence.wrapping_add(row.into()), 0);
            self.datagram.extend_from_slice(&[row, TYPE_DATA]);
            self.datagram.extend_from_slice(&base.to_be_bytes());
            self.datagram.extend_from_slice(&base_time.to_be_bytes());
            self.datagram.resize(PARITY_HEAD + length, 0);
            let sum = &mut self.datagram[PARITY_HEAD..];
            for (factor, payload) in factors.into_iter().zip(self.block.chunks_exact(length)) {
                galois::mul_slice_xor(factor, payload, sum);
            }
            send(&self.datagram);
        }
    }
}
