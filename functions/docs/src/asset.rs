//! The assets of the pages: compressed files of the packages, and our own few lines that start them. `assets/update.sh` downloads them.

/// An asset of a page.
pub(crate) struct Asset {
    /// Its name below `/docs/`.
    pub(crate) name: &'static str,
    /// Its media type.
    pub(crate) kind: &'static str,
    /// Whether `body` is compressed by gzip.
    pub(crate) packed: bool,
    /// Its bytes.
    pub(crate) body: &'static [u8],
}

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// All assets.
pub(crate) const ASSETS: [Asset; 6] = [
    Asset {
        name: "swagger-ui-5.35.0.css",
        kind: STYLE,
        packed: true,
        body: include_bytes!("../assets/swagger-ui.css.gz"),
    },
    Asset {
        name: "swagger-ui-bundle-5.35.0.js",
        kind: SCRIPT,
        packed: true,
        body: include_bytes!("../assets/swagger-ui-bundle.js.gz"),
    },
    Asset {
        name: "redoc-3.0.1.js",
        kind: SCRIPT,
        packed: true,
        body: include_bytes!("../assets/redoc.standalone.js.gz"),
    },
    Asset { name: "swagger.js", kind: SCRIPT, packed: false, body: include_bytes!("../assets/swagger.js") },
    Asset { name: "redoc.js", kind: SCRIPT, packed: false, body: include_bytes!("../assets/redoc.js") },
    Asset { name: "page.css", kind: STYLE, packed: false, body: include_bytes!("../assets/page.css") },
];
