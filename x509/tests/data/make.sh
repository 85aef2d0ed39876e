#!/bin/sh
# Makes the files in this directory with OpenSSL 3. They are committed, since what they show must not
# change with the OpenSSL that happens to be installed; run this only to add one.
set -eu
cd "$(dirname "$0")"
days=36500
leaf='-addext basicConstraints=CA:FALSE -addext keyUsage=critical,digitalSignature -addext extendedKeyUsage=codeSigning'
ca='-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign'

self_signed() { # name, subject, extra arguments
    name=$1 subject=$2
    shift 2
    openssl req -x509 -nodes -config /dev/null -keyout "$name.key" -out "$name.pem" -days $days -subj "$subject" "$@" 2>/dev/null
    rm "$name.key"
}

# Signature algorithms.
self_signed sha1-rsa '/CN=SHA-1 with RSA' -newkey rsa:2048 -sha1 $leaf
self_signed sha1-ecdsa '/CN=SHA-1 with ECDSA' -newkey ec -pkeyopt ec_paramgen_curve:P-256 -sha1 $leaf
self_signed md5-rsa '/CN=MD5 with RSA' -newkey rsa:2048 -md5 $leaf
self_signed pkcs1-sha256 '/CN=PKCS1 v1.5 with SHA-256' -newkey rsa:2048 -sha256 $leaf
pss='-sigopt rsa_padding_mode:pss -sigopt'
self_signed pss-sha256 '/CN=PSS with SHA-256' -newkey rsa:2048 -sha256 $pss rsa_pss_saltlen:digest $leaf
self_signed pss-sha512 '/CN=PSS with SHA-512' -newkey rsa:4096 -sha512 $pss rsa_pss_saltlen:digest $leaf
self_signed pss-salt-20 '/CN=PSS with a short salt' -newkey rsa:2048 -sha256 $pss rsa_pss_saltlen:20 $leaf
self_signed pss-sha1 '/CN=PSS with SHA-1' -newkey rsa:2048 -sha1 $pss rsa_pss_saltlen:digest $leaf
self_signed pss-mgf1-sha512 '/CN=PSS with another MGF1 hash' -newkey rsa:2048 -sha256 $pss rsa_pss_saltlen:digest -sigopt rsa_mgf1_md:sha512 $leaf

# Keys.
self_signed key-rsa-1024 '/CN=RSA 1024' -newkey rsa:1024 -sha256 $leaf
self_signed key-rsa-2047 '/CN=RSA 2047' -newkey rsa:2047 -sha256 $leaf
self_signed key-p224 '/CN=P-224' -newkey ec -pkeyopt ec_paramgen_curve:P-224 -sha256 $leaf
self_signed key-secp256k1 '/CN=secp256k1' -newkey ec -pkeyopt ec_paramgen_curve:secp256k1 -sha256 $leaf
self_signed key-ed25519 '/CN=Ed25519' -newkey ed25519 $leaf
self_signed key-explicit-curve '/CN=explicit P-256' -newkey ec -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit -sha256 $leaf
self_signed key-rsassa-pss '/CN=a key of type id-RSASSA-PSS' -newkey rsa-pss -sha256 -sigopt rsa_pss_saltlen:digest $leaf

# A chain under a CA of each kind of key: leaf first.
chain() { # name, openssl key arguments of the CA
    name=$1
    shift
    openssl req -x509 -nodes -config /dev/null -keyout ca.key -out ca.pem -days $days -subj "/CN=$name CA" $ca "$@" 2>/dev/null
    openssl req -new -nodes -config /dev/null -newkey ec -pkeyopt ec_paramgen_curve:P-256 -keyout leaf.key -out leaf.csr -subj "/CN=$name leaf" $leaf 2>/dev/null
    openssl x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -days $days -copy_extensions copyall -out leaf.pem 2>/dev/null
    cat leaf.pem ca.pem > "$name.pem"
    rm ca.key leaf.key leaf.csr
}
chain chain-rsa-1024 -newkey rsa:1024 -sha256
chain chain-p224 -newkey ec -pkeyopt ec_paramgen_curve:P-224 -sha256
chain chain-ed25519 -newkey ed25519
chain chain-rsa-3072 -newkey rsa:3072 -sha384

# Containers of the last chain.
openssl crl2pkcs7 -nocrl -certfile chain-rsa-3072.pem -out chain.p7b.pem
openssl crl2pkcs7 -nocrl -certfile chain-rsa-3072.pem -outform DER -out chain.p7b
openssl pkcs12 -export -nokeys -in leaf.pem -certfile ca.pem -certpbe NONE -nomac -passout pass: -out plain.p12
openssl pkcs12 -export -nokeys -in leaf.pem -certfile ca.pem -passout pass: -out empty-password.p12
openssl pkcs12 -export -nokeys -in leaf.pem -certfile ca.pem -passout pass:secret -out password.p12
openssl pkcs12 -export -nokeys -in leaf.pem -certfile ca.pem -certpbe PBE-SHA1-3DES -passout pass: -out empty-password-3des.p12
rm leaf.pem ca.pem

# Private keys, of no use but in tests, in the forms they come in.
openssl ecparam -name prime256v1 -genkey -out key-sec1-with-parameters.pem
openssl ec -in key-sec1-with-parameters.pem -out key-sec1.pem 2>/dev/null
openssl pkcs8 -topk8 -nocrypt -in key-sec1.pem -out key-pkcs8-ec.pem
openssl pkcs8 -topk8 -in key-sec1.pem -passout pass:secret -out key-pkcs8-encrypted.pem
openssl ec -in key-sec1.pem -aes256 -passout pass:secret -out key-sec1-encrypted.pem 2>/dev/null
openssl genrsa -traditional -out key-pkcs1.pem 2048 2>/dev/null
openssl pkcs8 -topk8 -nocrypt -in key-pkcs1.pem -out key-pkcs8-rsa.pem
openssl pkcs12 -export -inkey key-sec1.pem -nocerts -keypbe NONE -nomac -passout pass: -out key-only.p12
