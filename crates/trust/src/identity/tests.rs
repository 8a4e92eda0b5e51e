use super::{CERTIFICATE, HostIdentity, IdentityError, KEY};
use crate::private::FileError;
use punktfunk_proto::units::Fingerprint;
use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// A state directory with an identity in it.
fn made() -> (TempDir, PathBuf, HostIdentity) {
    let state = tempfile::tempdir().unwrap();
    let folder = state.path().join("identity");
    let identity = HostIdentity::load_or_create(&folder).unwrap();
    (state, folder, identity)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn an_identity_is_made_once_and_stays_the_same() {
    let (state, folder, made) = made();
    let loaded = HostIdentity::load_or_create(&folder).unwrap();
    assert_eq!(loaded.fingerprint, made.fingerprint);
    assert_eq!(loaded.certificate_der, made.certificate_der);
    assert_eq!(loaded.private_key_pkcs8_der, made.private_key_pkcs8_der);
    assert_eq!(Fingerprint::of_certificate(&made.certificate_der), made.fingerprint);
    assert_eq!(fs::read_dir(state.path()).unwrap().count(), 1, "nothing is left over");
}

#[test]
fn an_identity_for_moonlight_is_made_once_and_holds_an_rsa_key() {
    let state = tempfile::tempdir().unwrap();
    let folder = state.path().join("gamestream");
    let made = HostIdentity::load_or_create_rsa(&folder).unwrap();
    let loaded = HostIdentity::load_or_create_rsa(&folder).unwrap();
    assert_eq!(loaded.private_key_pkcs8_der, made.private_key_pkcs8_der);
    let rsa_encryption = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
    assert!(made.private_key_pkcs8_der.windows(9).any(|window| window == rsa_encryption));
    assert_eq!((mode(&folder), mode(&folder.join(KEY))), (0o700, 0o600));
}

#[test]
fn key_and_folder_are_for_this_user_only() {
    let (_state, folder, identity) = made();
    assert_eq!((mode(&folder), mode(&folder.join(KEY))), (0o700, 0o600));
    assert!(!format!("{identity:?}").contains("private_key"));
}

#[test]
fn a_key_that_others_can_read_is_refused_with_the_command_that_helps() {
    let (_state, folder, _) = made();
    for (path, mode) in [(folder.join(KEY), 0o640), (folder.clone(), 0o755)] {
        chmod(&path, mode);
        let error = HostIdentity::load_or_create(&folder).unwrap_err();
        assert!(matches!(error, IdentityError::File(FileError::Mode { .. })), "{error}");
        assert!(error.to_string().contains("chmod 0"), "{error}");
        chmod(&path, 0o700);
    }
    assert!(HostIdentity::load_or_create(&folder).is_ok());
}

#[test]
fn half_an_identity_is_refused_and_never_made_anew() {
    for missing in [CERTIFICATE, KEY] {
        let (_state, folder, _) = made();
        fs::remove_file(folder.join(missing)).unwrap();
        let error = HostIdentity::load_or_create(&folder).unwrap_err();
        assert!(matches!(error, IdentityError::Incomplete { .. }), "{error}");
        assert!(error.to_string().contains("backup"));
        assert!(!folder.join(missing).exists());
    }
}

#[test]
fn an_identity_cut_off_anywhere_is_refused_or_the_same() {
    let (_state, folder, made) = made();
    for name in [CERTIFICATE, KEY] {
        let path = folder.join(name);
        let whole = fs::read(&path).unwrap();
        for length in 0..whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            match HostIdentity::load_or_create(&folder) {
                Ok(loaded) => assert_eq!(loaded.fingerprint, made.fingerprint, "only the last line break may go"),
                Err(error) => assert!(matches!(error, IdentityError::Damaged { .. }), "{error}"),
            }
        }
        fs::write(&path, &whole).unwrap();
    }
}

#[test]
fn a_certificate_of_another_key_is_refused() {
    let (_state, folder, _) = made();
    let (_other_state, other, _) = self::made();
    fs::copy(other.join(CERTIFICATE), folder.join(CERTIFICATE)).unwrap();
    let error = HostIdentity::load(&folder).unwrap_err();
    assert!(error.to_string().contains("different key"), "{error}");
}

#[test]
fn a_link_in_place_of_the_key_is_refused() {
    let (_state, folder, _) = made();
    fs::rename(folder.join(KEY), folder.join("elsewhere")).unwrap();
    symlink(folder.join("elsewhere"), folder.join(KEY)).unwrap();
    assert!(matches!(HostIdentity::load(&folder), Err(IdentityError::File(FileError::Kind { .. }))));
}

#[test]
fn what_a_crash_left_of_a_first_start_is_no_identity() {
    let state = tempfile::tempdir().unwrap();
    let folder = state.path().join("identity");
    fs::create_dir(folder.with_extension("new")).unwrap();
    chmod(&folder.with_extension("new"), 0o700);
    fs::write(folder.with_extension("new").join(KEY), "half").unwrap();
    assert!(matches!(HostIdentity::load(&folder), Err(IdentityError::Missing { .. })));
    HostIdentity::load_or_create(&folder).unwrap();
    assert!(!folder.with_extension("new").exists());
}
