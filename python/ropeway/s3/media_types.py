"""The content type of a file by its extension: the same on every machine, whatever its own tables say."""

from __future__ import annotations

import mimetypes

BINARY = "application/octet-stream"

TODAY = {
    # Scripts and modules: text/javascript since RFC 9239.
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".cjs": "text/javascript",
    # What browsers load beside them (IANA registry; MDN, "Common media types").
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".map": "application/json",
    ".json": "application/json",
    ".jsonld": "application/ld+json",
    ".geojson": "application/geo+json",
    ".ndjson": "application/x-ndjson",
    ".xml": "application/xml",
    ".xsl": "application/xslt+xml",
    ".rss": "application/rss+xml",
    ".atom": "application/atom+xml",
    ".ico": "image/vnd.microsoft.icon",
    ".vtt": "text/vtt",
    ".md": "text/markdown",
    ".markdown": "text/markdown",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
    ".toml": "application/toml",
    # Pictures, sound and films.
    ".avif": "image/avif",
    ".webp": "image/webp",
    ".jxl": "image/jxl",
    ".heic": "image/heic",
    ".heif": "image/heif",
    ".apng": "image/apng",
    ".svg": "image/svg+xml",
    ".svgz": "image/svg+xml",
    ".weba": "audio/webm",
    ".webm": "video/webm",
    ".m4a": "audio/mp4",
    ".opus": "audio/ogg",
    ".flac": "audio/flac",
    ".m3u8": "application/vnd.apple.mpegurl",
    ".mpd": "application/dash+xml",
    # Fonts (RFC 8081).
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".ttf": "font/ttf",
    ".otf": "font/otf",
    # Three dimensions.
    ".glb": "model/gltf-binary",
    ".gltf": "model/gltf+json",
    # Archives and packages.
    ".gz": "application/gzip",
    ".tgz": "application/gzip",
    ".br": "application/x-brotli",
    ".zst": "application/zstd",
    ".bz2": "application/x-bzip2",
    ".xz": "application/x-xz",
    ".7z": "application/x-7z-compressed",
    ".apk": "application/vnd.android.package-archive",
    ".ipa": "application/octet-stream",
    ".appinstaller": "application/appinstaller",
    ".msix": "application/msix",
    ".msixbundle": "application/msixbundle",
    ".nupkg": "application/zip",
    ".vsix": "application/zip",
    ".whl": "application/zip",
    ".jar": "application/java-archive",
    ".war": "application/java-archive",
    ".parquet": "application/vnd.apache.parquet",
}

_TABLE = {**mimetypes.MimeTypes(filenames=()).types_map[True], **TODAY}

TEXT_BESIDES = {
    "application/xml",
    "image/svg+xml",
    "application/xhtml+xml",
    "application/rss+xml",
    "application/atom+xml",
}
"""Text that is not text/*. JSON is not among them: it is UTF-8 by definition and has no charset parameter (RFC 8259)."""


def media_type(path: str) -> str:
    """By the last extension, in any case: "a/b.HTML" -> "text/html". `application/octet-stream` for one that is not known."""
    name = path.rpartition("/")[2]
    stem, dot, extension = name.rpartition(".")
    return _TABLE.get(f".{extension.lower()}", BINARY) if dot and stem else BINARY


def content_type(path: str, charset: str = "utf-8") -> str:
    """The media type, with the charset where it is text. An empty charset adds none."""
    kind = media_type(path)
    is_text = kind.startswith("text/") or kind in TEXT_BESIDES
    return f"{kind}; charset={charset}" if charset and is_text else kind
