//! Listing the signatures of an artifact: the referrers API, or the referrers tag where there is none.

use std::collections::HashSet;

use apostille_artifact::{Descriptor, Digest};
use reqwest::StatusCode;
use url::Url;

use super::exchange::{Answer, Request, same_origin};
use super::repository::{ReferrersApi, RemoteRepository};
use crate::error::{Malformed, Operation, RegistryError};
use crate::limits::{MAX_MANIFEST_LEN, MAX_REFERRERS_PAGES};
use crate::manifest::entries_of;
use crate::media_type::{IMAGE_INDEX, SIGNATURE};
use crate::store::SignatureList;

/// How long a list of referrers may take, in times of what one request may: a registry that sends a hundred
/// pages, each just in time, must not keep a verifier for hours.
const LIST_FACTOR: u32 = 4;

impl RemoteRepository {
    pub(super) async fn list_signatures(
        &self,
        subject: &Digest,
        limit: usize,
    ) -> Result<SignatureList, RegistryError> {
        let patience = self.endpoint.options.request_timeout * LIST_FACTOR;
        tokio::time::timeout(patience, self.list_patiently(subject, limit))
            .await
            .unwrap_or_else(|_| {
                Err(RegistryError::TimedOut {
                    attempt: self
                        .endpoint
                        .attempt(Operation::List, Some(&self.repository)),
                    after: patience,
                })
            })
    }

    async fn list_patiently(
        &self,
        subject: &Digest,
        limit: usize,
    ) -> Result<SignatureList, RegistryError> {
        let mut collected = Collected::new(limit);
        if self.referrers_api() != ReferrersApi::Absent
            && self.ask_referrers_api(subject, &mut collected).await?
        {
            return Ok(collected.list);
        }
        if let Some(index) = self.read_referrers_tag(Operation::List, subject).await? {
            let entries = index.descriptors();
            collected.add(entries);
        }
        Ok(collected.list)
    }

    /// Collects what the referrers API lists; says whether the registry has it.
    async fn ask_referrers_api(
        &self,
        subject: &Digest,
        collected: &mut Collected,
    ) -> Result<bool, RegistryError> {
        let mut url = self.referrers_url(subject)?;
        for page in 0..MAX_REFERRERS_PAGES {
            let request = Request::get(Operation::List, &self.repository, url, MAX_MANIFEST_LEN)
                .accept(IMAGE_INDEX);
            let answer = self.endpoint.exchange(&request).await?;
            if page > 0 {
                self.check_further_page(&request, &answer)?;
            } else if !self.is_referrers_answer(&request, &answer)? {
                return Ok(false);
            }
            collected.add(self.entries("the list of referrers", &answer)?);
            if collected.list.truncated {
                return Ok(true);
            }
            match self.next_page(&request, &answer)? {
                Some(next) => url = next,
                None => return Ok(true),
            }
        }
        Err(RegistryError::EndlessReferrers {
            place: self.place(),
            pages: MAX_REFERRERS_PAGES,
        })
    }

    /// Whether the registry has the referrers API, by asking it.
    pub(super) async fn has_referrers_api(&self, subject: &Digest) -> Result<bool, RegistryError> {
        match self.referrers_api() {
            ReferrersApi::Present => Ok(true),
            ReferrersApi::Absent => Ok(false),
            ReferrersApi::Unknown => {
                let url = self.referrers_url(subject)?;
                let request =
                    Request::get(Operation::List, &self.repository, url, MAX_MANIFEST_LEN)
                        .accept(IMAGE_INDEX);
                let answer = self.endpoint.exchange(&request).await?;
                self.is_referrers_answer(&request, &answer)
            }
        }
    }

    fn referrers_url(&self, subject: &Digest) -> Result<Url, RegistryError> {
        let mut url = self
            .endpoint
            .url(&self.repository, &format!("referrers/{subject}"))?;
        url.query_pairs_mut().append_pair("artifactType", SIGNATURE);
        Ok(url)
    }

    /// A registry without the API knows no such path; some send a web page instead of saying so.
    fn is_referrers_answer(
        &self,
        request: &Request<'_>,
        answer: &Answer,
    ) -> Result<bool, RegistryError> {
        let present = match answer.status {
            StatusCode::OK => answer.media_type() == Some(IMAGE_INDEX),
            StatusCode::NOT_FOUND
            | StatusCode::METHOD_NOT_ALLOWED
            | StatusCode::NOT_IMPLEMENTED => false,
            _ => return Err(self.endpoint.refusal(request, answer)),
        };
        self.learn_referrers_api(if present {
            ReferrersApi::Present
        } else {
            ReferrersApi::Absent
        });
        Ok(present)
    }

    /// Whoever sent a first page has the API: half a list must not pass for a whole one.
    fn check_further_page(
        &self,
        request: &Request<'_>,
        answer: &Answer,
    ) -> Result<(), RegistryError> {
        if answer.status != StatusCode::OK {
            return Err(self.endpoint.refusal(request, answer));
        }
        if answer.media_type() != Some(IMAGE_INDEX) {
            return Err(RegistryError::malformed(
                "a further page of the list of referrers",
                self.place(),
                Malformed::NotAnIndex,
            ));
        }
        Ok(())
    }

    fn entries(&self, what: &str, answer: &Answer) -> Result<Vec<Descriptor>, RegistryError> {
        entries_of(&answer.body)
            .map_err(|error| RegistryError::malformed(what, self.place(), Malformed::Json(error)))
    }

    /// The next page. It is another path of the registry; elsewhere it would be asked with our
    /// credential, or answer in the registry's name without being it.
    fn next_page(
        &self,
        request: &Request<'_>,
        answer: &Answer,
    ) -> Result<Option<Url>, RegistryError> {
        let links = answer.headers.get_all(http::header::LINK);
        let Some(link) = links
            .iter()
            .filter_map(|value| value.to_str().ok())
            .find_map(next_link)
        else {
            return Ok(None);
        };
        match request.url.join(link) {
            Ok(url) if same_origin(&url, &request.url) => Ok(Some(url)),
            _ => Err(RegistryError::Distrusted {
                attempt: self.endpoint.attempt(request.operation, request.repository),
                reason: "the next page of its list of referrers is on another server".to_owned(),
            }),
        }
    }
}

/// The target of the link with `rel="next"` (RFC 8288) in one header value.
fn next_link(header: &str) -> Option<&str> {
    let mut rest = header;
    while let Some((_, after)) = rest.split_once('<') {
        let (target, after) = after.split_once('>')?;
        let end = after.find('<').unwrap_or(after.len());
        let (parameters, following) = after.split_at(end);
        let is_next = parameters.split([';', ',']).any(|parameter| {
            parameter.split_once('=').is_some_and(|(name, value)| {
                name.trim().eq_ignore_ascii_case("rel")
                    && value.trim().trim_matches('"').eq_ignore_ascii_case("next")
            })
        });
        if is_next {
            return Some(target);
        }
        rest = following;
    }
    None
}

/// The signatures among referrers, each once, up to a limit.
struct Collected {
    list: SignatureList,
    limit: usize,
    seen: HashSet<Digest>,
}

impl Collected {
    fn new(limit: usize) -> Self {
        Self {
            list: SignatureList {
                manifests: Vec::new(),
                truncated: false,
            },
            limit,
            seen: HashSet::new(),
        }
    }

    /// A registry may or may not have filtered by artifact type; it is done again here.
    fn add(&mut self, referrers: Vec<Descriptor>) {
        for referrer in referrers {
            if referrer.artifact_type.as_deref() != Some(SIGNATURE)
                || self.seen.contains(&referrer.digest)
            {
                continue;
            }
            if self.list.manifests.len() == self.limit {
                self.list.truncated = true;
                return;
            }
            self.seen.insert(referrer.digest.clone());
            self.list.manifests.push(referrer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_found_among_links() {
        assert_eq!(
            next_link(r#"</v2/a/referrers/d?n=2>; rel="next""#),
            Some("/v2/a/referrers/d?n=2")
        );
        assert_eq!(
            next_link(r#"</first>; rel="first", </next>; title="x"; rel=next"#),
            Some("/next")
        );
        for header in ["", "</x>", r#"</x>; rel="prev""#, "<", "<>", "/x; rel=next"] {
            assert_eq!(
                next_link(header).filter(|target| !target.is_empty()),
                None,
                "{header}"
            );
        }
    }
}
