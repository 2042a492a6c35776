"""The content type of a file by its extension: the same on every machine.

The standard library's table differs from one Python to the next and takes in what the host says (on Windows its registry), so this one is
written out. Where IANA has registered a type (iana.org/assignments/media-types) it is that one; what is not registered is what browsers
and servers use (MDN, "Common media types"; Apache's mime.types).
"""

from __future__ import annotations

BINARY = "application/octet-stream"

_EXTENSIONS = {
    # Pages and what they load. Scripts are text/javascript since RFC 9239.
    "text/html": "html htm",
    "text/css": "css",
    "text/javascript": "js mjs cjs",
    "application/json": "json map",
    "application/ld+json": "jsonld",
    "application/manifest+json": "webmanifest",
    "application/wasm": "wasm",
    "application/xhtml+xml": "xhtml xht",
    "application/xml": "xml xsd",
    "application/xml-dtd": "dtd",
    "application/xslt+xml": "xsl xslt",
    "application/atom+xml": "atom",
    "application/rss+xml": "rss",
    "application/rdf+xml": "rdf",
    "application/wsdl+xml": "wsdl",
    "text/wgsl": "wgsl",
    "text/vtt": "vtt",
    # Text, settings and data. YAML: RFC 9512; Markdown: RFC 7763; Parquet: registered 2024.
    "text/plain": "txt text log conf cfg ini properties c h bat",
    "text/markdown": "md markdown",
    "text/csv": "csv",
    "text/tab-separated-values": "tsv",
    "text/calendar": "ics",
    "text/vcard": "vcf vcard",
    "text/richtext": "rtx",
    "text/sgml": "sgml sgm",
    "text/n3": "n3",
    "text/turtle": "ttl",
    "text/x-python": "py",
    "text/x-scss": "scss",
    "text/x-sass": "sass",
    "text/less": "less",
    "text/jsx": "jsx",
    "application/yaml": "yaml yml",
    "application/toml": "toml",
    "application/json5": "json5",
    "application/x-ndjson": "ndjson jsonl",
    "application/geo+json": "geojson",
    "application/gpx+xml": "gpx",
    "application/vnd.google-earth.kml+xml": "kml",
    "application/vnd.google-earth.kmz": "kmz",
    "application/n-quads": "nq",
    "application/n-triples": "nt",
    "application/trig": "trig",
    "application/sql": "sql",
    "application/x-sh": "sh",
    "application/x-csh": "csh",
    "application/x-tcl": "tcl",
    "application/x-tex": "tex",
    "application/x-latex": "latex",
    "application/x-subrip": "srt",
    "application/vnd.apache.parquet": "parquet",
    "application/vnd.apache.arrow.file": "arrow",
    "application/vnd.sqlite3": "sqlite sqlite3",
    "application/x-hdf5": "h5 hdf5",
    "application/x-netcdf": "nc cdf",
    "message/rfc822": "eml mht mhtml",
    "text/xml": "plist",  # Apple, "Distribute proprietary in-house apps"
    # Pictures.
    "image/svg+xml": "svg svgz",
    "image/png": "png",
    "image/apng": "apng",
    "image/jpeg": "jpg jpeg jpe jfif",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/avif": "avif",
    "image/jxl": "jxl",
    "image/heic": "heic",
    "image/heif": "heif",
    "image/jp2": "jp2",
    "image/bmp": "bmp",
    "image/tiff": "tif tiff",
    "image/vnd.microsoft.icon": "ico",
    "image/vnd.adobe.photoshop": "psd",
    "image/ktx2": "ktx2",
    "image/vnd.ms-dds": "dds",
    # Sound and films. FLAC: RFC 9639; Matroska: RFC 9559.
    "audio/mpeg": "mp3 mp2 mpga",
    "audio/mp4": "m4a mp4a",
    "audio/aac": "aac adts",
    "audio/ogg": "ogg oga opus spx",
    "audio/flac": "flac",
    "audio/wav": "wav",
    "audio/webm": "weba",
    "audio/matroska": "mka",
    "audio/midi": "mid midi",
    "audio/x-aiff": "aif aiff aifc",
    "audio/basic": "au snd",
    "video/mp4": "mp4 mpg4 mp4v",
    "video/x-m4v": "m4v",
    "video/iso.segment": "m4s",
    "video/mpeg": "mpeg mpg mpe m1v m2v",
    "video/mp2t": "ts m2ts",
    "video/ogg": "ogv",
    "video/webm": "webm",
    "video/matroska": "mkv",
    "video/quicktime": "mov qt",
    "video/x-msvideo": "avi",
    "video/x-ms-wmv": "wmv",
    "video/x-flv": "flv",
    "video/3gpp": "3gp 3gpp",
    "video/3gpp2": "3g2",
    "application/ogg": "ogx",
    "application/vnd.apple.mpegurl": "m3u8",
    "audio/x-mpegurl": "m3u",
    "application/dash+xml": "mpd",
    # Fonts: RFC 8081.
    "font/woff": "woff",
    "font/woff2": "woff2",
    "font/ttf": "ttf",
    "font/otf": "otf",
    "font/collection": "ttc",
    "application/vnd.ms-fontobject": "eot",
    # Three dimensions.
    "model/gltf-binary": "glb",
    "model/gltf+json": "gltf",
    "model/obj": "obj",
    "model/mtl": "mtl",
    "model/stl": "stl",
    "model/vnd.usdz+zip": "usdz",
    # Documents.
    "application/pdf": "pdf",
    "application/postscript": "ps eps ai",
    "application/rtf": "rtf",
    "application/epub+zip": "epub",
    "application/msword": "doc dot",
    "application/vnd.ms-excel": "xls",
    "application/vnd.ms-powerpoint": "ppt pps pot",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
    "application/vnd.oasis.opendocument.text": "odt",
    "application/vnd.oasis.opendocument.spreadsheet": "ods",
    "application/vnd.oasis.opendocument.presentation": "odp",
    "application/vnd.oasis.opendocument.graphics": "odg",
    # Archives and packages. Zstandard: RFC 8878. Packages without a type of their own are the archives that they are.
    "application/zip": "zip nupkg snupkg vsix whl",
    "application/gzip": "gz tgz",
    "application/x-tar": "tar",
    "application/x-bzip2": "bz2 tbz2",
    "application/x-xz": "xz txz",
    "application/zstd": "zst",
    "application/x-brotli": "br",
    "application/x-7z-compressed": "7z",
    "application/vnd.rar": "rar",
    "application/java-archive": "jar war ear",
    "application/vnd.android.package-archive": "apk",
    "application/vnd.debian.binary-package": "deb udeb",
    "application/x-rpm": "rpm",
    "application/vnd.ms-cab-compressed": "cab",
    "application/appinstaller": "appinstaller",
    "application/appx": "appx",
    "application/appxbundle": "appxbundle",
    "application/msix": "msix",
    "application/msixbundle": "msixbundle",
    "application/x-chrome-extension": "crx",
    "application/x-xpinstall": "xpi",
    "application/x-shockwave-flash": "swf",
    # Keys and certificates.
    "application/pkix-cert": "cer",
    "application/x-x509-ca-cert": "crt der pem",
    "application/x-pkcs12": "p12 pfx",
    "application/pkcs7-mime": "p7c p7m",
    "application/pgp-signature": "asc sig",
    # Bytes, said to be so.
    BINARY: "bin exe dll so dmg iso img msi msp ipa aab deploy",
}  # fmt: skip

_TYPES = {extension: kind for kind, extensions in _EXTENSIONS.items() for extension in extensions.split()}


def media_type(path: str) -> str:
    """By the last extension, in any case: "a/b.HTML" -> "text/html". `application/octet-stream` for one that is not known."""
    stem, _, extension = path.rpartition("/")[2].rpartition(".")
    return _TYPES.get(extension.lower(), BINARY) if stem else BINARY


def content_type(path: str, charset: str = "utf-8") -> str:
    """The media type, with the charset where it is text or XML. An empty charset adds none.

    JSON and YAML get none: they are UTF-8 by definition, and their types have no such parameter (RFC 8259, RFC 9512).
    """
    kind = media_type(path)
    takes_charset = kind.startswith("text/") or kind.endswith(("/xml", "+xml"))
    return f"{kind}; charset={charset}" if charset and takes_charset else kind
