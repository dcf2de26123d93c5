//! The static pages, compiled in.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::ServiceConfig;

struct Page {
    path: &'static str,
    content_type: &'static str,
    body: &'static [u8],
}

/// A page of ours by its name in `static/`, served under `/static/`.
macro_rules! file {
    ($name:literal, $content_type:expr) => {
        Page {
            path: concat!("/static/", $name),
            content_type: $content_type,
            body: include_bytes!(concat!("../../static/", $name)),
        }
    };
}

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

const PAGES: &[Page] = &[
    Page { path: "/", content_type: HTML, body: include_bytes!("../../static/index.html") },
    file!("console.css", CSS),
    file!("console.js", SCRIPT),
    file!("broadcast.js", SCRIPT),
    file!("dom.js", SCRIPT),
    file!("feed.js", SCRIPT),
    file!("line.js", SCRIPT),
    file!("panel.js", SCRIPT),
    file!("plain.js", SCRIPT),
    file!("profiles.js", SCRIPT),
    file!("requests.js", SCRIPT),
    file!("socketio.js", SCRIPT),
    file!("token.js", SCRIPT),
];

/// Only our own files, and sockets to our own host.
const POLICY: &str = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

pub fn routes(config: &mut ServiceConfig) {
    for page in PAGES {
        config.service(super::only(page.path, super::READ).route(super::read().to(move || async move {
            HttpResponse::Ok()
                .insert_header((header::CONTENT_TYPE, page.content_type))
                .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
                .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
                .insert_header((header::REFERRER_POLICY, "no-referrer"))
                .insert_header((header::CACHE_CONTROL, "no-cache"))
                .body(page.body)
        })));
    }
}
