//! The static pages, compiled in.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::ServiceConfig;

struct Page {
    path: &'static str,
    content_type: &'static str,
    body: &'static [u8],
}

const PAGES: &[Page] = &[
    Page {
        path: "/",
        content_type: "text/html; charset=utf-8",
        body: include_bytes!("../../static/index.html"),
    },
    Page {
        path: "/static/console.js",
        content_type: "text/javascript; charset=utf-8",
        body: include_bytes!("../../static/console.js"),
    },
    Page {
        path: "/static/console.css",
        content_type: "text/css; charset=utf-8",
        body: include_bytes!("../../static/console.css"),
    },
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
