//! The modules that are known by name: where their vendors put them, and what is peculiar to each.

use std::path::{Path, PathBuf};

/// A well-known PKCS#11 module.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Preset {
    /// What to write as `module`, and as `module-name` in a URI.
    pub(crate) name: &'static str,
    /// What it is.
    pub(crate) product: &'static str,
    /// Where it may be, the most likely place first.
    pub(crate) paths: &'static [&'static str],
    /// What its user has to know.
    pub(crate) note: &'static str,
    /// Whether the tests of this project run with it. The others are prepared from their documentation.
    pub(crate) tested: bool,
}

impl Preset {
    /// Whether the module goes by this name: the preset's, or RFC 7512's, which is that of the file
    /// without `lib` and extension.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        self.name == name
            || self
                .stems()
                .any(|stem| stem == name || stem.strip_prefix("lib") == Some(name))
    }

    /// The first of the paths at which there is a file.
    pub(crate) fn installed(&self) -> Option<PathBuf> {
        self.paths
            .iter()
            .map(PathBuf::from)
            .find(|path| path.is_file())
    }

    fn stems(&self) -> impl Iterator<Item = &'static str> {
        self.paths
            .iter()
            .filter_map(|path| Path::new(path).file_stem()?.to_str())
    }
}

/// The preset whose module has the file name of `path`, wherever it is.
pub(crate) fn of_file(path: &Path) -> Option<&'static Preset> {
    let stem = path.file_stem()?.to_str()?;
    PRESETS
        .iter()
        .find(|preset| preset.stems().any(|known| known == stem))
}

/// Every preset, in the order in which the documentation lists them.
pub(crate) static PRESETS: &[Preset] = &[
    Preset {
        name: "softhsm2",
        product: "SoftHSM2, a token in software",
        paths: &[
            "/usr/lib/softhsm/libsofthsm2.so",
            "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
            "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
            "/usr/lib64/pkcs11/libsofthsm2.so",
            "/usr/lib64/softhsm/libsofthsm2.so",
            "/usr/lib/pkcs11/libsofthsm2.so",
            "/usr/lib/libsofthsm2.so",
            "/usr/local/lib/softhsm/libsofthsm2.so",
            "/opt/homebrew/lib/softhsm/libsofthsm2.so",
        ],
        note: "SOFTHSM2_CONF names its configuration; the host has to pass it on",
        tested: true,
    },
    Preset {
        name: "nss",
        product: "NSS softokn, the database of Firefox and of many Red Hat tools",
        paths: &[
            "/usr/lib/x86_64-linux-gnu/libsoftokn3.so",
            "/usr/lib/aarch64-linux-gnu/libsoftokn3.so",
            "/usr/lib/x86_64-linux-gnu/nss/libsoftokn3.so",
            "/usr/lib64/libsoftokn3.so",
            "/usr/lib/libsoftokn3.so",
        ],
        note: "set `module_arguments` to `configdir='sql:DIR'`; choose `token` `NSS Certificate DB`",
        tested: true,
    },
    Preset {
        name: "yubihsm",
        product: "YubiHSM 2",
        paths: &[
            "/usr/lib/x86_64-linux-gnu/pkcs11/yubihsm_pkcs11.so",
            "/usr/lib/aarch64-linux-gnu/pkcs11/yubihsm_pkcs11.so",
            "/usr/lib64/pkcs11/yubihsm_pkcs11.so",
            "/usr/local/lib/pkcs11/yubihsm_pkcs11.dylib",
        ],
        note: "YUBIHSM_PKCS11_CONF names a file with the connector's URL; the PIN is the authentication key's id, four hexadecimal digits, followed by its password",
        tested: false,
    },
    Preset {
        name: "ykcs11",
        product: "YubiKey, PIV application",
        paths: &[
            "/usr/lib/x86_64-linux-gnu/libykcs11.so",
            "/usr/lib/aarch64-linux-gnu/libykcs11.so",
            "/usr/lib64/libykcs11.so",
            "/usr/lib/libykcs11.so",
            "/usr/local/lib/libykcs11.dylib",
            "/opt/homebrew/lib/libykcs11.dylib",
        ],
        note: "the key in slot 9c authenticates before each signature, with the same PIN; three wrong PINs lock it",
        tested: false,
    },
    Preset {
        name: "opensc",
        product: "smart cards supported by OpenSC",
        paths: &[
            "/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so",
            "/usr/lib/aarch64-linux-gnu/opensc-pkcs11.so",
            "/usr/lib64/opensc-pkcs11.so",
            "/usr/lib64/pkcs11/opensc-pkcs11.so",
            "/usr/lib/opensc-pkcs11.so",
            "/Library/OpenSC/lib/opensc-pkcs11.so",
        ],
        note: "one card may show several tokens, one for each PIN: choose with `token` or a URI",
        tested: false,
    },
    Preset {
        name: "luna",
        product: "Thales Luna Network and PCIe HSM",
        paths: &[
            "/usr/safenet/lunaclient/lib/libCryptoki2_64.so",
            "/usr/lib/libCryptoki2_64.so",
            "/opt/safenet/lunaclient/lib/libCryptoki2_64.so",
        ],
        note: "ChrystokiConfigurationPath names its configuration; the PIN is the crypto officer's or crypto user's password; in FIPS mode RSA below 2048 bits is refused",
        tested: false,
    },
    Preset {
        name: "nshield",
        product: "Entrust nShield",
        paths: &["/opt/nfast/toolkits/pkcs11/libcknfast.so"],
        note: "with an operator card set set CKNFAST_LOADSHARING=1 where several modules share it",
        tested: false,
    },
    Preset {
        name: "cloudhsm",
        product: "AWS CloudHSM, client SDK 5",
        paths: &["/opt/cloudhsm/lib/libcloudhsm_pkcs11.so"],
        note: "the PIN is USER:PASSWORD of a crypto user; certificates are not kept on the HSM: use `certificates`",
        tested: false,
    },
    Preset {
        name: "tpm2",
        product: "TPM 2.0 by tpm2-pkcs11",
        paths: &[
            "/usr/lib/x86_64-linux-gnu/libtpm2_pkcs11.so.1",
            "/usr/lib/x86_64-linux-gnu/pkcs11/libtpm2_pkcs11.so",
            "/usr/lib64/pkcs11/libtpm2_pkcs11.so",
            "/usr/lib/pkcs11/libtpm2_pkcs11.so",
        ],
        note: "TPM2_PKCS11_STORE names its store; few TPMs have RSA-4096 or P-521",
        tested: false,
    },
    Preset {
        name: "utimaco",
        product: "Utimaco SecurityServer",
        paths: &[
            "/opt/utimaco/lib/libcs_pkcs11_R3.so",
            "/usr/lib/libcs_pkcs11_R3.so",
            "/opt/utimaco/lib/libcs_pkcs11_R2.so",
        ],
        note: "CS_PKCS11_R3_CFG names its configuration",
        tested: false,
    },
    Preset {
        name: "kryoptic",
        product: "Kryoptic, a token in software",
        paths: &["/usr/lib64/pkcs11/libkryoptic_pkcs11.so"],
        note: "KRYOPTIC_CONF names its configuration",
        tested: true,
    },
];
