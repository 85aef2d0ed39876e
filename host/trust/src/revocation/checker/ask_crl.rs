//! CRLs, from the cache or the network.

use notary_x509::{DistributionPoint, oid};
use time::OffsetDateTime;

use super::trail::Trail;
use super::{MAX_URLS, SourcedRevocationChecker, Subject};
use crate::revocation::cache::CrlSet;
use crate::revocation::crl::{self, Crl, MAX_CRL_LEN};
use crate::revocation::evidence::{EvidenceError, Verdict};

impl SourcedRevocationChecker {
    /// What the first CRL says, among those at the distribution points, that can be relied on.
    pub(super) async fn ask_crl(
        &self,
        subject: &Subject<'_>,
        now: OffsetDateTime,
        trail: &mut Trail,
    ) -> Option<Verdict> {
        for url in crl_urls(subject, trail) {
            let source = format!("CRL {url}");
            if let Some((crls, verdict)) = self.look_in_cache(&url, subject, now, trail) {
                trail.note(
                    format!("{source}, from the cache"),
                    &verdict,
                    crls.base.next_update(),
                );
                return Some(verdict);
            }
            let crls = match self.download(&url, subject).await {
                Ok(crls) => crls,
                Err(reason) => {
                    trail.problem(source, reason);
                    continue;
                }
            };
            match judge(&crls, subject, now) {
                Ok(verdict) => {
                    trail.note(source, &verdict, crls.base.next_update());
                    self.keep(&url, &crls, now, trail);
                    return Some(verdict);
                }
                Err(error) => trail.problem(source, error),
            }
        }
        None
    }

    /// Only what still holds and passes every check; whatever is wrong with the cache, the CRL is
    /// fetched instead.
    fn look_in_cache(
        &self,
        url: &str,
        subject: &Subject<'_>,
        now: OffsetDateTime,
        trail: &mut Trail,
    ) -> Option<(CrlSet, Verdict)> {
        let crls = match self.sources.cache.as_ref()?.load(url) {
            Ok(crls) => crls?,
            Err(error) => {
                trail.remark(error.to_string());
                return None;
            }
        };
        let complete = crls.delta.is_some()
            || delta_urls(&crls.base, subject).is_ok_and(|urls| urls.is_empty());
        let verdict = judge(&crls, subject, now).ok()?;
        (is_current(&crls, now) && complete).then_some((crls, verdict))
    }

    fn keep(&self, url: &str, crls: &CrlSet, now: OffsetDateTime, trail: &mut Trail) {
        let Some(cache) = &self.sources.cache else {
            return;
        };
        if is_current(crls, now)
            && let Err(error) = cache.store(url, crls)
        {
            trail.remark(error.to_string());
        }
    }

    async fn download(&self, url: &str, subject: &Subject<'_>) -> Result<CrlSet, String> {
        let base = self.download_one(url).await?;
        let delta_urls = delta_urls(&base, subject).map_err(|error| error.to_string())?;
        let mut problems = Vec::new();
        for delta_url in delta_urls.iter().take(MAX_URLS) {
            match self.download_one(delta_url).await {
                Ok(delta) => {
                    return Ok(CrlSet {
                        base,
                        delta: Some(delta),
                    });
                }
                Err(reason) => problems.push(format!("delta CRL {delta_url}: {reason}")),
            }
        }
        if problems.is_empty() {
            Ok(CrlSet { base, delta: None })
        } else {
            Err(problems.join("; "))
        }
    }

    async fn download_one(&self, url: &str) -> Result<Crl, String> {
        let body = self
            .fetch(url, None, MAX_CRL_LEN, self.settings.crl_timeout)
            .await
            .map_err(|error| error.to_string())?;
        Crl::from_der(body).map_err(|error| error.to_string())
    }
}

/// The URLs of the distribution points that have a CRL of the issuer for all reasons.
fn crl_urls(subject: &Subject<'_>, trail: &mut Trail) -> Vec<String> {
    let mut urls = Vec::new();
    for point in subject.certificate.crl_distribution_points() {
        if point.indirect || point.limited_to_reasons {
            let place = point.urls.first().map_or("without URL", String::as_str);
            let reason = if point.indirect {
                "it has CRLs of another authority (indirect), which is not supported"
            } else {
                "it has CRLs for some revocation reasons only, which is not supported"
            };
            trail.problem(format!("CRL distribution point {place}"), reason);
        } else {
            urls.extend(point.urls.iter().cloned());
        }
    }
    urls.truncate(MAX_URLS);
    urls
}

/// Where the delta CRL is: the base CRL says, or else the certificate.
fn delta_urls(base: &Crl, subject: &Subject<'_>) -> Result<Vec<String>, EvidenceError> {
    let urls = base.freshest_crl_urls()?;
    if !urls.is_empty() {
        return Ok(urls);
    }
    let Some(extension) = subject.certificate.extension(oid::FRESHEST_CRL) else {
        return Ok(urls);
    };
    let points = DistributionPoint::read_all(&extension.value).map_err(|error| {
        EvidenceError::Malformed {
            what: "freshestCRL extension of the certificate",
            reason: error.to_string(),
        }
    })?;
    Ok(points.into_iter().flat_map(|point| point.urls).collect())
}

fn judge(
    crls: &CrlSet,
    subject: &Subject<'_>,
    now: OffsetDateTime,
) -> Result<Verdict, EvidenceError> {
    crl::judge(
        subject.certificate,
        subject.issuer,
        &crls.base,
        crls.delta.as_ref(),
        now,
    )
}

fn is_current(crls: &CrlSet, now: OffsetDateTime) -> bool {
    let holds = |crl: &Crl| {
        crl.next_update()
            .is_some_and(|next_update| now <= next_update)
    };
    holds(&crls.base) && crls.delta.as_ref().is_none_or(holds)
}
