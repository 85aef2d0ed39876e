//! A CA that OpenSSL plays, with the CRL and the OCSP answers that it gives out.

use std::path::Path;
use std::process::Command;

/// What a certificate says about where to ask, and whether its CA has taken it back.
pub(crate) struct Subject {
    pub(crate) name: &'static str,
    pub(crate) ocsp: Option<Place>,
    pub(crate) crl: Option<Place>,
    pub(crate) revoked: bool,
}

/// Whether anybody answers there.
#[derive(Clone, Copy)]
pub(crate) enum Place {
    Served,
    Dead,
}

pub(crate) struct Authority {
    directory: tempfile::TempDir,
}

// The authority claims no accuracy: what it stamps may have been certified in the same second.
const CONFIGURATION: &str = "
[ca]
default_ca = ca
[ca]
database = index.txt
serial = serial
crlnumber = crlnumber
new_certs_dir = .
certificate = ca.pem
private_key = ca.key
default_md = sha256
default_days = 30
default_crl_days = 7
policy = policy
unique_subject = no
[policy]
countryName = supplied
stateOrProvinceName = supplied
organizationName = supplied
commonName = supplied
[tsa]
serial = tsa.serial
signer_cert = tsa.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256,sha384,sha512
ess_cert_id_chain = no
ess_cert_id_alg = sha256
[responder]
keyUsage = critical,digitalSignature
extendedKeyUsage = OCSPSigning
noCheck = ignored
";

impl Authority {
    /// A CA whose certificates name places at `served`, an `http://host:port`, or `None` without OpenSSL.
    pub(crate) fn new(served: &str, dead: &str, subjects: &[Subject]) -> Option<Self> {
        if Command::new("openssl").arg("version").output().is_err() {
            println!("skipped: openssl is not installed");
            return None;
        }
        let authority = Self {
            directory: tempfile::tempdir().unwrap(),
        };
        authority.write("openssl.cnf", &configuration(served, dead, subjects));
        authority.write("index.txt", "");
        authority.write("serial", "1000");
        authority.write("crlnumber", "01");
        authority.openssl(&format!(
            "req -x509 -config /dev/null -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem \
             -subj {} -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign",
            distinguished_name("root")
        ));
        authority.write("tsa.serial", "01");
        authority.issue("responder", "responder");
        authority.issue("tsa", "tsa_certificate");
        for subject in subjects {
            authority.issue(subject.name, subject.name);
            if subject.revoked {
                authority.revoke(subject.name);
            }
        }
        authority.issue_crl();
        for subject in subjects {
            authority.answer(subject.name);
        }
        Some(authority)
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn read(&self, name: &str) -> Option<Vec<u8>> {
        std::fs::read(self.path().join(name)).ok()
    }

    fn write(&self, name: &str, content: &str) {
        std::fs::write(self.path().join(name), content).unwrap();
    }

    pub(crate) fn revoke(&self, name: &str) {
        self.openssl(&format!(
            "ca -config openssl.cnf -revoke {name}.pem -crl_reason keyCompromise"
        ));
    }

    pub(crate) fn issue_crl(&self) {
        self.openssl("ca -config openssl.cnf -gencrl -out ca.crl.pem");
        self.openssl("crl -in ca.crl.pem -outform DER -out ca.crl");
    }

    /// The timestamping authority's response to a request.
    pub(crate) fn stamp(&self, request: &[u8]) -> Option<Vec<u8>> {
        std::fs::write(self.path().join("tsa.request"), request).unwrap();
        self.openssl(
            "ts -reply -config openssl.cnf -section tsa -queryfile tsa.request -out tsa.response",
        );
        self.read("tsa.response")
    }

    fn issue(&self, name: &str, section: &str) {
        let subject = distinguished_name(name);
        self.openssl(&format!(
            "req -new -config /dev/null -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {name}.key -out {name}.csr \
             -subj {subject}"
        ));
        self.openssl(&format!(
            "ca -batch -notext -config openssl.cnf -extensions {section} -in {name}.csr -out {name}.pem"
        ));
        let chain = [
            self.read(&format!("{name}.pem")).unwrap(),
            self.read("ca.pem").unwrap(),
        ]
        .concat();
        std::fs::write(self.path().join(format!("{name}.chain.pem")), chain).unwrap();
    }

    /// The OCSP answer about a certificate, made beforehand, so that a busy machine has it in time.
    fn answer(&self, name: &str) {
        self.openssl(&format!(
            "ocsp -issuer ca.pem -cert {name}.pem -no_nonce -reqout {name}.request"
        ));
        self.openssl(&format!(
            "ocsp -index index.txt -CA ca.pem -rsigner responder.pem -rkey responder.key -ndays 1 -reqin {name}.request \
             -respout {name}.ocsp"
        ));
    }

    fn openssl(&self, arguments: &str) {
        let output = Command::new("openssl")
            .args(arguments.split_whitespace())
            .current_dir(self.path())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "openssl {arguments}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

fn distinguished_name(name: &str) -> String {
    format!("/C=GB/ST=England/O=Example/CN={name}")
}

fn configuration(served: &str, dead: &str, subjects: &[Subject]) -> String {
    let mut text = CONFIGURATION.to_owned();
    let base = |place: Place| match place {
        Place::Served => served,
        Place::Dead => dead,
    };
    text.push_str(&format!(
        "[tsa_certificate]\nkeyUsage = critical,digitalSignature\nextendedKeyUsage = critical,timeStamping\n\
         crlDistributionPoints = URI:{served}/ca.crl\n"
    ));
    for Subject {
        name, ocsp, crl, ..
    } in subjects
    {
        text.push_str(&format!("[{name}]\nkeyUsage = critical,digitalSignature\n"));
        if let Some(place) = *ocsp {
            let base = base(place);
            text.push_str(&format!(
                "authorityInfoAccess = OCSP;URI:{base}/{name}.ocsp\n"
            ));
        }
        if let Some(place) = *crl {
            let base = base(place);
            text.push_str(&format!("crlDistributionPoints = URI:{base}/ca.crl\n"));
        }
    }
    text
}
