//! The object identifiers that the certificate rules and the encodings speak of.

use der::asn1::ObjectIdentifier;

macro_rules! oids {
    ($($(#[$doc:meta])* $name:ident = $dotted:literal;)*) => {
        $($(#[$doc])* pub const $name: ObjectIdentifier = ObjectIdentifier::new_unwrap($dotted);)*
    };
}

oids! {
    // Extensions, RFC 5280 §4.2 and RFC 6960 §4.2.2.2.1.
    /// `subjectKeyIdentifier`.
    SUBJECT_KEY_IDENTIFIER = "2.5.29.14";
    /// `keyUsage`.
    KEY_USAGE = "2.5.29.15";
    /// `subjectAltName`.
    SUBJECT_ALT_NAME = "2.5.29.17";
    /// `basicConstraints`.
    BASIC_CONSTRAINTS = "2.5.29.19";
    /// `cRLDistributionPoints`.
    CRL_DISTRIBUTION_POINTS = "2.5.29.31";
    /// `authorityKeyIdentifier`.
    AUTHORITY_KEY_IDENTIFIER = "2.5.29.35";
    /// `extKeyUsage`.
    EXTENDED_KEY_USAGE = "2.5.29.37";
    /// `freshestCRL`, in a certificate or in a CRL.
    FRESHEST_CRL = "2.5.29.46";
    /// `authorityInfoAccess`.
    AUTHORITY_INFO_ACCESS = "1.3.6.1.5.5.7.1.1";
    /// `id-pkix-ocsp-nocheck`: a responder's certificate needs no revocation check itself.
    OCSP_NO_CHECK = "1.3.6.1.5.5.7.48.1.5";
    /// `id-ad-ocsp`, an access method of `authorityInfoAccess`.
    ACCESS_OCSP = "1.3.6.1.5.5.7.48.1";

    // Purposes of extKeyUsage, RFC 5280 §4.2.1.12.
    /// `anyExtendedKeyUsage`.
    ANY_EXTENDED_KEY_USAGE = "2.5.29.37.0";
    /// `id-kp-serverAuth`.
    SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
    /// `id-kp-clientAuth`.
    CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";
    /// `id-kp-codeSigning`.
    CODE_SIGNING = "1.3.6.1.5.5.7.3.3";
    /// `id-kp-emailProtection`.
    EMAIL_PROTECTION = "1.3.6.1.5.5.7.3.4";
    /// `id-kp-timeStamping`.
    TIME_STAMPING = "1.3.6.1.5.5.7.3.8";
    /// `id-kp-OCSPSigning`.
    OCSP_SIGNING = "1.3.6.1.5.5.7.3.9";

    // Keys and curves, RFC 3279, 5480, 8410.
    /// `rsaEncryption`.
    RSA_ENCRYPTION = "1.2.840.113549.1.1.1";
    /// `id-ecPublicKey`.
    EC_PUBLIC_KEY = "1.2.840.10045.2.1";
    /// `id-Ed25519`, key and signature.
    ED25519 = "1.3.101.112";
    /// `secp256r1`.
    P256 = "1.2.840.10045.3.1.7";
    /// `secp384r1`.
    P384 = "1.3.132.0.34";
    /// `secp521r1`.
    P521 = "1.3.132.0.35";

    // Signatures, RFC 4055, 5758.
    /// `id-RSASSA-PSS`.
    RSASSA_PSS = "1.2.840.113549.1.1.10";
    /// `id-mgf1`.
    MGF1 = "1.2.840.113549.1.1.8";
    /// `sha1WithRSAEncryption`.
    SHA1_WITH_RSA = "1.2.840.113549.1.1.5";
    /// `sha-1WithRSAEncryption` of the OIW, the same algorithm under an older name.
    SHA1_WITH_RSA_OIW = "1.3.14.3.2.29";
    /// `sha256WithRSAEncryption`.
    SHA256_WITH_RSA = "1.2.840.113549.1.1.11";
    /// `sha384WithRSAEncryption`.
    SHA384_WITH_RSA = "1.2.840.113549.1.1.12";
    /// `sha512WithRSAEncryption`.
    SHA512_WITH_RSA = "1.2.840.113549.1.1.13";
    /// `ecdsa-with-SHA1`.
    ECDSA_WITH_SHA1 = "1.2.840.10045.4.1";
    /// `ecdsa-with-SHA256`.
    ECDSA_WITH_SHA256 = "1.2.840.10045.4.3.2";
    /// `ecdsa-with-SHA384`.
    ECDSA_WITH_SHA384 = "1.2.840.10045.4.3.3";
    /// `ecdsa-with-SHA512`.
    ECDSA_WITH_SHA512 = "1.2.840.10045.4.3.4";

    // Hashes, RFC 5754.
    /// `id-sha1`.
    SHA1 = "1.3.14.3.2.26";
    /// `id-sha256`.
    SHA256 = "2.16.840.1.101.3.4.2.1";
    /// `id-sha384`.
    SHA384 = "2.16.840.1.101.3.4.2.2";
    /// `id-sha512`.
    SHA512 = "2.16.840.1.101.3.4.2.3";

    // Containers, RFC 5652, 7292, 2985.
    /// `id-data` of CMS.
    CMS_DATA = "1.2.840.113549.1.7.1";
    /// `id-signedData` of CMS.
    CMS_SIGNED_DATA = "1.2.840.113549.1.7.2";
    /// `id-encryptedData` of CMS.
    CMS_ENCRYPTED_DATA = "1.2.840.113549.1.7.6";
    /// `certBag` of PKCS#12.
    PKCS12_CERT_BAG = "1.2.840.113549.1.12.10.1.3";
    /// `x509Certificate` inside a `certBag`.
    PKCS9_X509_CERTIFICATE = "1.2.840.113549.1.9.22.1";
    /// `id-PBES2`.
    PBES2 = "1.2.840.113549.1.5.13";
    /// `id-PBKDF2`.
    PBKDF2 = "1.2.840.113549.1.5.12";
    /// `id-hmacWithSHA1`.
    HMAC_SHA1 = "1.2.840.113549.2.7";
    /// `id-hmacWithSHA256`.
    HMAC_SHA256 = "1.2.840.113549.2.9";
    /// `id-hmacWithSHA384`.
    HMAC_SHA384 = "1.2.840.113549.2.10";
    /// `id-hmacWithSHA512`.
    HMAC_SHA512 = "1.2.840.113549.2.11";
    /// `aes128-CBC-PAD`.
    AES_128_CBC = "2.16.840.1.101.3.4.1.2";
    /// `aes256-CBC-PAD`.
    AES_256_CBC = "2.16.840.1.101.3.4.1.42";
    /// `extensionRequest`, an attribute of a PKCS#10 request.
    EXTENSION_REQUEST = "1.2.840.113549.1.9.14";
}
