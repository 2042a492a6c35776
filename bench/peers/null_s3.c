/* A null S3 for peers: it answers at once (or after a latency that is the same for all), so that what a client costs is what is seen.

   null_s3 --delay MILLISECONDS --objects FILE --tls CERTIFICATE KEY --threads N

It says its port on a line, serves until its stdin ends, and then writes what it has seen: one line of counts as JSON, and a line
`size TAB key` for each object. Bodies that it is sent are counted and dropped; what it serves are files, named by the lines of
FILE: key, size, etag, base64 of the CRC32, time of last change (seconds), content type, path, separated by tabs.
It knows no signatures, no conditions and no errors but those of missing keys and of lengths that do not agree.

HTTP: RFC 9112. The answers: Amazon S3 API reference. Only what an upload, a download or a comparison of folders asks for. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <search.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { HEAD_MOST = 32 << 10, BLOCK = 256 << 10, BUDGET = 2 << 20, PART = 8 << 20, SMALL = 64 << 10, PAGE = 1000 };

/* --- objects ------------------------------------------------------------------------------------------------------------- */

typedef struct { char *key, *etag, *crc, *headers, *path; long size; time_t modified; } Object;
typedef struct { char *id; long size; char *headers; } Upload;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void *objects, *uploads; /* tsearch(3) keeps them in order, as a listing wants them */
static long counts[8], connections, handshakes, bytes_in, bytes_out, in_flight, peak, refused, ids;
static const char *const METHODS[] = {"GET", "HEAD", "PUT", "POST", "DELETE", "LIST", "OTHER", 0};
enum { GET, HEAD, PUT, POST, DELETE, LIST, OTHER };

static int by_key(const void *a, const void *b) { return strcmp(((const Object *)a)->key, ((const Object *)b)->key); }
static int by_id(const void *a, const void *b) { return strcmp(((const Upload *)a)->id, ((const Upload *)b)->id); }

static Object *find(const char *key) {
  Object wanted = {.key = (char *)key}, **found = tfind(&wanted, &objects, by_key);
  return found ? *found : 0;
}

static void keep(Object *object) {
  Object **found = tsearch(object, &objects, by_key);
  *found = object; /* one that it replaces is not freed: another thread may be answering with it */
}

/* --- connections --------------------------------------------------------------------------------------------------------- */

typedef enum { HEADING, BODY, WAITING, ANSWERING } State;
typedef enum { NO_CHUNK, CHUNK_SIZE, CHUNK_DATA, CHUNK_END, TRAILER } Chunk;

typedef struct Connection {
  int fd;
  SSL *ssl;
  State state;
  Chunk chunk;
  bool close, secured;
  char in[HEAD_MOST + 1];
  size_t filled, eaten; /* of `in` */
  int method;
  char *key, *query, *headers; /* into `in`, of the request at hand */
  char line[256];
  size_t line_length;
  long left, length, decoded; /* of the body */
  char *text;                 /* the body of a POST */
  size_t text_length;
  char *out;
  size_t out_length, out_sent;
  char *map;
  size_t map_length, map_at, map_end;
  double due;
  struct Connection *next;
} Connection;

typedef struct { pthread_t id; Connection *first, *last; char block[BLOCK]; } Worker;

static int poll_fd;
static double delay;
static SSL_CTX *tls;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

/* > 0 bytes, 0 the end, -1 later, -2 an error */
static long receive(Connection *c, char *to, size_t most) {
  long got;
  if (!c->ssl) {
    got = recv(c->fd, to, most, 0);
    if (got < 0) return errno == EAGAIN ? -1 : -2;
  } else {
    ERR_clear_error();
    got = SSL_read(c->ssl, to, most);
    if (got <= 0) {
      int why = SSL_get_error(c->ssl, got);
      return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? -1 : why == SSL_ERROR_ZERO_RETURN ? 0 : -2;
    }
    if (!c->secured) c->secured = true, __atomic_add_fetch(&handshakes, 1, __ATOMIC_RELAXED);
  }
  __atomic_add_fetch(&bytes_in, got, __ATOMIC_RELAXED);
  return got;
}

static long transmit(Connection *c, const char *from, size_t length, bool more) {
  long sent;
  if (!c->ssl) {
    sent = send(c->fd, from, length, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
    if (sent < 0) return errno == EAGAIN ? -1 : -2;
  } else {
    ERR_clear_error();
    sent = SSL_write(c->ssl, from, length < BLOCK ? length : BLOCK);
    if (sent <= 0) {
      int why = SSL_get_error(c->ssl, sent);
      return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? -1 : -2;
    }
  }
  __atomic_add_fetch(&bytes_out, sent, __ATOMIC_RELAXED);
  return sent;
}

static void end(Connection *c) {
  if (c->ssl) SSL_free(c->ssl);
  if (c->map) munmap(c->map, c->map_length);
  if (c->state == WAITING || c->state == ANSWERING) __atomic_sub_fetch(&in_flight, 1, __ATOMIC_RELAXED);
  close(c->fd);
  free(c->text);
  free(c->out);
  free(c);
}

/* --- requests ------------------------------------------------------------------------------------------------------------ */

static char *header(const char *headers, const char *name) { /* static per thread: used at once */
  static __thread char value[1024];
  size_t length = strlen(name);
  for (const char *line = headers; line && *line; line = strchr(line, '\n'), line += line != 0) {
    if (strncasecmp(line, name, length) || line[length] != ':') continue;
    const char *from = line + length + 1, *to = strchrnul(from, '\r');
    from += strspn(from, " \t");
    snprintf(value, sizeof value, "%.*s", (int)(to > from ? to - from : 0), from);
    return value;
  }
  return 0;
}

static void unquote(char *text, bool plus) {
  char *to = text;
  for (char *from = text; *from; from++) {
    char pair[3] = {from[0] == '%' ? from[1] : 0, from[0] == '%' && from[1] ? from[2] : 0, 0};
    if (pair[0] && pair[1]) *to++ = (char)strtol(pair, 0, 16), from += 2;
    else *to++ = plus && *from == '+' ? ' ' : *from;
  }
  *to = 0;
}

/* A copy of a parameter's value, decoded; 0 where it is not given. To be freed. */
static char *parameter(const char *query, const char *name) {
  size_t length = strlen(name);
  for (const char *at = query; at && *at; at = strchr(at, '&'), at += at != 0) {
    if (strncmp(at, name, length) || !strchr("=&", at[length])) continue;
    const char *from = at[length] == '=' ? at + length + 1 : at + length, *to = strchrnul(from, '&');
    char *value = strndup(from, to - from);
    unquote(value, true);
    return value;
  }
  return 0;
}

static void answer(Connection *c, const char *status, const char *headers, long length, const char *body) {
  char date[64];
  time_t t = time(0);
  struct tm parts;
  strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&t, &parts));
  const char *text = c->method == HEAD || !body ? "" : body;
  char *out;
  int size = asprintf(&out, "HTTP/1.1 %s\r\nDate: %s\r\nx-amz-request-id: NULL\r\nServer: null\r\n%sContent-Length: %ld\r\n\r\n%s",
                      status, date, headers, length < 0 ? (long)strlen(body ? body : "") : length, text);
  free(c->out);
  c->out = out, c->out_length = size, c->out_sent = 0;
}

static void refuse(Connection *c, const char *status, const char *code) {
  char body[256];
  snprintf(body, sizeof body, "<Error><Code>%s</Code><Message>%s</Message><RequestId>NULL</RequestId></Error>", code, code);
  __atomic_add_fetch(&refused, 1, __ATOMIC_RELAXED);
  answer(c, status, "Content-Type: application/xml\r\n", -1, body);
}

/* --- reading ------------------------------------------------------------------------------------------------------------- */

static void whole_small(Connection *c, const char *path, long from, long length) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  c->out = realloc(c->out, c->out_length + length);
  if (file < 0 || pread(file, c->out + c->out_length, length, from) != length) abort();
  c->out_length += length;
  close(file);
}

static void mapped(Connection *c, const char *path, long from, long length) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  long start = from & ~4095L;
  c->map_length = length + from - start;
  c->map = mmap(0, c->map_length, PROT_READ, MAP_SHARED, file, start);
  if (file < 0 || c->map == MAP_FAILED) abort();
  c->map_at = from - start, c->map_end = c->map_length;
  close(file);
}

static const char *iso(time_t t, char *to) {
  struct tm parts;
  strftime(to, 64, "%Y-%m-%dT%H:%M:%S.000Z", gmtime_r(&t, &parts));
  return to;
}

static bool part_range(Connection *c, const Object *o, long *from, long *to, long *parts) {
  char *number = parameter(c->query, "partNumber");
  if (!number) return false;
  *parts = strchr(o->etag, '-') ? (o->size + PART - 1) / PART : 1;
  *from = *parts > 1 ? (atol(number) - 1) * PART : 0;
  *to = *parts > 1 && *from + PART < o->size ? *from + PART - 1 : o->size - 1;
  free(number);
  return true;
}

static void read_object(Connection *c) {
  pthread_mutex_lock(&lock);
  Object *o = find(c->key);
  pthread_mutex_unlock(&lock);
  if (!o) return refuse(c, "404 Not Found", "NoSuchKey");
  char headers[4096], range[256] = "", when[64];
  struct tm time_parts;
  strftime(when, sizeof when, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&o->modified, &time_parts));
  long from = 0, to = o->size - 1, parts = 0;
  char *asked = header(c->headers, "range");
  bool some = asked && sscanf(asked, "bytes=%ld-%ld", &from, &to) >= 1;
  if (part_range(c, o, &from, &to, &parts)) some = true;
  if (some && from >= o->size && o->size) return refuse(c, "416 Range Not Satisfiable", "InvalidRange");
  if (to >= o->size) to = o->size - 1;
  if (some) snprintf(range, sizeof range, "Content-Range: bytes %ld-%ld/%ld\r\n", from, to, o->size);
  if (parts > 1) snprintf(range + strlen(range), sizeof range - strlen(range), "x-amz-mp-parts-count: %ld\r\n", parts);
  bool sum = *o->crc && header(c->headers, "x-amz-checksum-mode") && (!some || c->method == HEAD) && parts < 2;
  snprintf(headers, sizeof headers, "ETag: \"%s\"\r\nLast-Modified: %s\r\nAccept-Ranges: bytes\r\n%s%s%s%s%s", o->etag, when,
           sum ? "x-amz-checksum-type: FULL_OBJECT\r\nx-amz-checksum-crc32: " : "", sum ? o->crc : "", sum ? "\r\n" : "", range,
           o->headers);
  long length = to - from + 1;
  answer(c, some ? "206 Partial Content" : "200 OK", headers, length, "");
  if (c->method == HEAD || !length || !o->path) return;
  (length <= SMALL ? whole_small : mapped)(c, o->path, from, length);
}

/* --- listing ------------------------------------------------------------------------------------------------------------- */

typedef struct { FILE *to; char *prefix, *delimiter, *after, *last, *group; long count, most; bool more, quote; } Listing;

static void write_text(FILE *to, const char *text, bool quote) {
  for (; *text; text++) {
    unsigned char b = *text;
    bool plain = (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') || (b >= '0' && b <= '9') || strchr("-_.~/", b);
    if (quote && !plain) fprintf(to, "%%%02X", b);
    else if (strchr("&<>\"", b)) fprintf(to, "&#%d;", b);
    else putc(b, to);
  }
}

static void entry(Listing *l, const Object *o) {
  char when[64];
  fputs("<Contents><Key>", l->to);
  write_text(l->to, o->key, l->quote);
  fprintf(l->to, "</Key><LastModified>%s</LastModified><ETag>&quot;%s&quot;</ETag><Size>%ld</Size><StorageClass>STANDARD</StorageClass></Contents>",
          iso(o->modified, when), o->etag, o->size);
}

static void prefix_of_many(Listing *l, const char *key, size_t length) {
  l->group = realloc(l->group, length + 1);
  snprintf(l->group, length + 1, "%s", key);
  fputs("<CommonPrefixes><Prefix>", l->to);
  write_text(l->to, l->group, l->quote);
  fputs("</Prefix></CommonPrefixes>", l->to);
}

static void visit(const void *node, VISIT order, void *listing) {
  Listing *l = listing;
  const Object *o = *(Object *const *)node;
  if (order != postorder && order != leaf) return;
  size_t prefix = strlen(l->prefix);
  if (l->more || strncmp(o->key, l->prefix, prefix) || strcmp(o->key, l->after) <= 0) return;
  size_t after = strlen(l->after);
  if (after && *l->delimiter && l->after[after - 1] == *l->delimiter && !strncmp(o->key, l->after, after)) return;
  if (l->group && !strncmp(o->key, l->group, strlen(l->group))) return;
  if (l->count == l->most) { l->more = true; return; }
  const char *cut = *l->delimiter ? strstr(o->key + prefix, l->delimiter) : 0;
  if (cut) prefix_of_many(l, o->key, cut - o->key + strlen(l->delimiter));
  else entry(l, o);
  l->count++;
  free(l->last);
  l->last = strdup(cut ? l->group : o->key);
}

static char *given(Connection *c, const char *name) {
  char *value = parameter(c->query, name);
  return value ? value : strdup("");
}

static void list(Connection *c) {
  char *body, *v2 = parameter(c->query, "list-type"), *token = given(c, "continuation-token"), *start = given(c, "start-after"),
       *marker = given(c, "marker"), *most = given(c, "max-keys"), *encoding = given(c, "encoding-type");
  size_t length;
  Listing l = {.to = open_memstream(&body, &length), .prefix = given(c, "prefix"), .delimiter = given(c, "delimiter"),
               .most = *most && atol(most) < PAGE ? atol(most) : PAGE, .quote = *encoding,
               .after = v2 ? (*token ? token : start) : marker};
  char *bucket = c->key;
  fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>", l.to);
  write_text(l.to, bucket, false);
  fputs("</Name><Prefix>", l.to);
  write_text(l.to, l.prefix, l.quote);
  fprintf(l.to, "</Prefix><MaxKeys>%ld</MaxKeys>%s", l.most, l.quote ? "<EncodingType>url</EncodingType>" : "");
  pthread_mutex_lock(&lock);
  twalk_r(objects, visit, &l);
  pthread_mutex_unlock(&lock);
  if (v2) fprintf(l.to, "<KeyCount>%ld</KeyCount>", l.count);
  fprintf(l.to, "<IsTruncated>%s</IsTruncated>", l.more ? "true" : "false");
  if (l.more) {
    fprintf(l.to, "<%s>", v2 ? "NextContinuationToken" : "NextMarker");
    write_text(l.to, l.last, !v2 && l.quote);
    fprintf(l.to, "</%s>", v2 ? "NextContinuationToken" : "NextMarker");
  }
  fputs("</ListBucketResult>", l.to);
  fclose(l.to);
  answer(c, "200 OK", "Content-Type: application/xml\r\n", -1, body);
  char *all[] = {body, v2, token, start, marker, most, encoding, l.prefix, l.delimiter, l.last, l.group};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

/* --- writing ------------------------------------------------------------------------------------------------------------- */

static void hex_of_base64(const char *text, char *to) { /* Content-MD5 becomes the ETag, as S3 has it */
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  unsigned bits = 0, held = 0;
  for (; *text && *text != '=' && strchr(digits, *text); text++) {
    bits = bits << 6 | (unsigned)(strchr(digits, *text) - digits), held += 6;
    if (held >= 8) held -= 8, to += sprintf(to, "%02x", bits >> held & 255);
  }
}

/* What HEAD and GET give back: content type and metadata. */
static char *kept_headers(const char *headers) {
  char *kept;
  size_t length;
  FILE *to = open_memstream(&kept, &length);
  for (const char *line = headers; line && *line; line = strchr(line, '\n'), line += line != 0) {
    if (strncasecmp(line, "x-amz-meta-", 11) && strncasecmp(line, "content-type:", 13) && strncasecmp(line, "cache-control:", 14)) continue;
    fprintf(to, "%.*s\r\n", (int)(strchrnul(line, '\r') - line), line);
  }
  fclose(to);
  return kept;
}

static Object *made(Connection *c, long size, char *headers, bool parts) {
  char etag[64], *md5 = header(c->headers, "content-md5");
  if (md5 && !parts) hex_of_base64(md5, etag);
  else snprintf(etag, sizeof etag, "null-%ld-%ld", size, __atomic_add_fetch(&ids, 1, __ATOMIC_RELAXED));
  char *crc = header(c->headers, "x-amz-checksum-crc32");
  Object *o = calloc(1, sizeof *o);
  *o = (Object){.key = strdup(c->key), .etag = strdup(etag), .crc = strdup(crc ? crc : ""), .headers = headers, .size = size, .modified = time(0)};
  return o;
}

static void put(Connection *c) {
  char headers[512], *id = parameter(c->query, "uploadId"), *crc;
  long size = c->decoded >= 0 ? c->decoded : c->length;
  Object *o = made(c, size, id ? 0 : kept_headers(c->headers), false);
  crc = header(c->headers, "x-amz-checksum-crc32");
  snprintf(headers, sizeof headers, "ETag: \"%s\"\r\n%s%s%s", o->etag, crc ? "x-amz-checksum-crc32: " : "", crc ? crc : "", crc ? "\r\n" : "");
  pthread_mutex_lock(&lock);
  Upload wanted = {.id = id}, **found = id ? tfind(&wanted, &uploads, by_id) : 0;
  if (found) (*found)->size += size;
  if (!id) keep(o);
  pthread_mutex_unlock(&lock);
  if (id && !found) refuse(c, "404 Not Found", "NoSuchUpload");
  else answer(c, "200 OK", headers, 0, "");
  free(id);
}

static void begin_upload(Connection *c) {
  Upload *upload = calloc(1, sizeof *upload);
  char *body, headers[256];
  if (asprintf(&upload->id, "upload-%ld", __atomic_add_fetch(&ids, 1, __ATOMIC_RELAXED)) < 0) abort();
  upload->headers = kept_headers(c->headers);
  pthread_mutex_lock(&lock);
  tsearch(upload, &uploads, by_id);
  pthread_mutex_unlock(&lock);
  char *algorithm = header(c->headers, "x-amz-checksum-algorithm");
  snprintf(headers, sizeof headers, "%s%s%s", algorithm ? "x-amz-checksum-type: FULL_OBJECT\r\nx-amz-checksum-algorithm: " : "",
           algorithm ? algorithm : "", algorithm ? "\r\n" : "");
  if (asprintf(&body, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<InitiateMultipartUploadResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
                      "<Bucket>bench</Bucket><Key>key</Key><UploadId>%s</UploadId></InitiateMultipartUploadResult>", upload->id) < 0) abort();
  answer(c, "200 OK", headers, -1, body);
  free(body);
}

static void complete_upload(Connection *c, const char *id) {
  pthread_mutex_lock(&lock);
  Upload wanted = {.id = (char *)id}, **found = tfind(&wanted, &uploads, by_id), *upload = found ? *found : 0;
  if (upload) tdelete(upload, &uploads, by_id);
  Object *o = upload ? made(c, upload->size, upload->headers, true) : 0;
  if (o) keep(o);
  pthread_mutex_unlock(&lock);
  if (!o) return refuse(c, "404 Not Found", "NoSuchUpload");
  char body[1024];
  snprintf(body, sizeof body, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<CompleteMultipartUploadResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
           "<Location>null</Location><Bucket>bench</Bucket><Key>key</Key><ETag>&quot;%s&quot;</ETag>%s%s%s</CompleteMultipartUploadResult>",
           o->etag, *o->crc ? "<ChecksumType>FULL_OBJECT</ChecksumType><ChecksumCRC32>" : "", o->crc, *o->crc ? "</ChecksumCRC32>" : "");
  answer(c, "200 OK", "Content-Type: application/xml\r\n", -1, body);
}

static void post(Connection *c) {
  char *id = parameter(c->query, "uploadId"), *begun = parameter(c->query, "uploads");
  if (begun) begin_upload(c);
  else if (id) complete_upload(c, id);
  else refuse(c, "501 Not Implemented", "NotImplemented");
  free(id), free(begun);
}

static void of_bucket(Connection *c) {
  char *location = parameter(c->query, "location");
  if (c->method == LIST && location)
    answer(c, "200 OK", "", -1, "<LocationConstraint xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"></LocationConstraint>");
  else if (c->method == LIST) list(c);
  else answer(c, "200 OK", "", 0, "");
  free(location);
}

static void respond(Connection *c) {
  if (!*c->key) return of_bucket(c);
  switch (c->method) {
  case GET: case HEAD: return read_object(c);
  case PUT: return put(c);
  case POST: return post(c);
  case DELETE: return answer(c, "204 No Content", "", 0, "");
  default: return refuse(c, "501 Not Implemented", "NotImplemented");
  }
}

/* --- the way of a request ------------------------------------------------------------------------------------------------- */

/* Of the head that lies whole at in + eaten. Its key and its headers stay where they are until the answer is made. */
static bool parse(Connection *c, char *head) {
  char *target = strchr(head, ' '), *version = target ? strchr(target + 1, ' ') : 0;
  if (!version) return false;
  *target++ = *version++ = 0;
  c->headers = strchr(version, '\n') ? strchr(version, '\n') + 1 : version + strlen(version);
  c->query = strchr(target, '?');
  if (c->query) *c->query++ = 0;
  c->key = strchr(target + 1, '/') ? strchr(target + 1, '/') + 1 : target + strlen(target);
  unquote(c->key, false);
  for (c->method = 0; c->method < OTHER && strcmp(METHODS[c->method], head); c->method++) {}
  if (c->method == GET && !*c->key) c->method = LIST;
  c->length = header(c->headers, "content-length") ? atol(header(c->headers, "content-length")) : 0;
  c->decoded = header(c->headers, "x-amz-decoded-content-length") ? atol(header(c->headers, "x-amz-decoded-content-length")) : -1;
  char *coding = header(c->headers, "transfer-encoding"), *connection;
  c->chunk = coding && !strcasecmp(coding, "chunked") ? CHUNK_SIZE : NO_CHUNK;
  c->left = c->chunk ? 0 : c->length;
  connection = header(c->headers, "connection");
  c->close = connection && !strcasecmp(connection, "close");
  return true;
}

static void take_line(Connection *c) {
  c->line[c->line_length] = 0;
  if (c->chunk == CHUNK_SIZE) c->left = strtol(c->line, 0, 16), c->chunk = c->left ? CHUNK_DATA : TRAILER;
  else if (c->chunk == CHUNK_END) c->chunk = CHUNK_SIZE;
  else if (c->chunk == TRAILER && c->line_length == 0) c->chunk = NO_CHUNK;
  c->line_length = 0;
}

static void keep_text(Connection *c, const char *from, size_t length) {
  if (c->method != POST) return;
  c->text = realloc(c->text, c->text_length + length + 1);
  memcpy(c->text + c->text_length, from, length);
  c->text_length += length;
}

/* How many of these bytes belong to the body. */
static size_t swallow(Connection *c, const char *from, size_t length) {
  size_t at = 0;
  while (at < length && (c->left || c->chunk)) {
    if (c->left) {
      size_t some = length - at < (size_t)c->left ? length - at : (size_t)c->left;
      keep_text(c, from + at, some);
      at += some, c->left -= some;
      if (c->chunk) c->length += some;
      if (!c->left && c->chunk) c->chunk = CHUNK_END;
    } else {
      char b = from[at++];
      if (b == '\n') take_line(c);
      else if (b != '\r' && c->line_length < sizeof c->line - 1) c->line[c->line_length++] = b;
    }
  }
  return at;
}

typedef enum { GO_ON, READ, WRITE, LATER, OVER } Next;

static Next read_head(Connection *c) {
  char *head = c->in + c->eaten, *stop;
  c->in[c->filled] = 0;
  if ((stop = memmem(head, c->filled - c->eaten, "\r\n\r\n", 4))) {
    stop[2] = 0;
    c->eaten = stop + 4 - c->in;
    if (!parse(c, head)) return OVER;
    char *expect = header(c->headers, "expect");
    if (expect && !strcasecmp(expect, "100-continue")) transmit(c, "HTTP/1.1 100 Continue\r\n\r\n", 25, false);
    c->state = BODY;
    return GO_ON;
  }
  if (c->eaten) memmove(c->in, head, c->filled - c->eaten), c->filled -= c->eaten, c->eaten = 0;
  if (c->filled == HEAD_MOST) return OVER;
  long got = receive(c, c->in + c->filled, HEAD_MOST - c->filled);
  if (got < 0) return got == -1 ? READ : OVER;
  c->filled += got;
  return got ? GO_ON : OVER;
}

static Next begin_answer(Connection *c) {
  long flying = __atomic_add_fetch(&in_flight, 1, __ATOMIC_RELAXED);
  if (flying > peak) peak = flying; /* racy by one at most */
  __atomic_add_fetch(&counts[c->method], 1, __ATOMIC_RELAXED);
  respond(c);
  c->text_length = 0;
  c->state = ANSWERING;
  if (delay <= 0) return GO_ON;
  c->state = WAITING, c->due = now() + delay, c->next = 0;
  return LATER;
}

static Next read_body(Worker *w, Connection *c, long *budget) {
  c->eaten += swallow(c, c->in + c->eaten, c->filled - c->eaten);
  while (c->left || c->chunk) {
    if (*budget <= 0 && !(c->ssl && SSL_pending(c->ssl))) return READ;
    /* of a chunked body what follows it may come too, and would be lost: a byte at a time but within a chunk */
    size_t most = c->chunk ? (c->left ? (size_t)c->left : 1) : (size_t)c->left;
    long got = receive(c, w->block, most < BLOCK ? most : BLOCK);
    if (got <= 0) return got == -1 ? READ : OVER;
    swallow(c, w->block, got);
    *budget -= got;
  }
  return begin_answer(c);
}

static Next write_answer(Connection *c, long *budget) {
  while (c->out_sent < c->out_length || c->map) {
    bool heading = c->out_sent < c->out_length;
    if (*budget <= 0) return WRITE;
    long sent = heading ? transmit(c, c->out + c->out_sent, c->out_length - c->out_sent, c->map != 0)
                        : transmit(c, c->map + c->map_at, c->map_end - c->map_at, false);
    if (sent < 0) return sent == -1 ? WRITE : OVER;
    *budget -= sent;
    if (heading) c->out_sent += sent;
    else if ((c->map_at += sent) == c->map_end) munmap(c->map, c->map_length), c->map = 0;
  }
  __atomic_sub_fetch(&in_flight, 1, __ATOMIC_RELAXED);
  c->state = HEADING;
  return c->close ? OVER : GO_ON;
}

static void queue(Worker *w, Connection *c) {
  if (w->last) w->last->next = c;
  else w->first = c;
  w->last = c;
}

static void wait_for(Connection *c, uint32_t what) {
  struct epoll_event event = {.events = what | EPOLLONESHOT, .data.ptr = c};
  epoll_ctl(poll_fd, EPOLL_CTL_MOD, c->fd, &event);
}

static void drive(Worker *w, Connection *c) {
  long budget = BUDGET;
  Next next = GO_ON;
  while (next == GO_ON) {
    if (c->state == HEADING) next = read_head(c);
    else if (c->state == BODY) next = read_body(w, c, &budget);
    else next = write_answer(c, &budget);
  }
  if (next == OVER) end(c);
  else if (next == LATER) queue(w, c);
  else wait_for(c, next == READ ? EPOLLIN : EPOLLOUT);
}

static void welcome(int listener) {
  int fd = accept4(listener, 0, 0, SOCK_NONBLOCK | SOCK_CLOEXEC), yes = 1;
  if (fd < 0) return;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  Connection *c = calloc(1, sizeof *c);
  c->fd = fd;
  if (tls) c->ssl = SSL_new(tls), SSL_set_fd(c->ssl, fd), SSL_set_accept_state(c->ssl);
  __atomic_add_fetch(&connections, 1, __ATOMIC_RELAXED);
  struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT, .data.ptr = c};
  epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event);
}

static int listening;

static int patience(const Worker *w) {
  if (!w->first) return -1;
  double left = (w->first->due - now()) * 1000;
  return left > 0 ? (int)left + 1 : 0;
}

static void *work(void *worker) {
  Worker *w = worker;
  struct epoll_event events[64];
  for (;;) {
    int count = epoll_wait(poll_fd, events, 64, patience(w));
    for (int i = 0; i < count; i++) {
      if (events[i].data.ptr == &listening) welcome(listening);
      else drive(w, events[i].data.ptr);
    }
    while (w->first && w->first->due <= now()) {
      Connection *c = w->first;
      if (!(w->first = c->next)) w->last = 0;
      c->state = ANSWERING;
      drive(w, c);
    }
  }
  return 0;
}

/* --- the program --------------------------------------------------------------------------------------------------------- */

static void load(const char *path) {
  FILE *file = fopen(path, "r");
  char *line = 0, *headers;
  size_t room = 0;
  if (!file) perror(path), exit(1);
  while (getline(&line, &room, file) > 0) {
    char *rest = line, *f[7];
    for (int i = 0; i < 7; i++) f[i] = strsep(&rest, "\t\n");
    Object *o = calloc(1, sizeof *o);
    if (asprintf(&headers, "Content-Type: %s\r\n", f[5]) < 0) abort();
    *o = (Object){.key = strdup(f[0]), .size = atol(f[1]), .etag = strdup(f[2]), .crc = strdup(f[3]), .modified = atol(f[4]),
                  .headers = headers, .path = strdup(f[6])};
    keep(o);
  }
  free(line);
  fclose(file);
}

static void secure(const char *certificate, const char *key) {
  tls = SSL_CTX_new(TLS_server_method());
  SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_options(tls, SSL_OP_IGNORE_UNEXPECTED_EOF);
  if (SSL_CTX_use_certificate_chain_file(tls, certificate) != 1 || SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1)
    ERR_print_errors_fp(stderr), exit(1);
}

static int port_of(int fd) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof at;
  if (bind(fd, (struct sockaddr *)&at, length) || listen(fd, 4096)) perror("listen"), exit(1);
  getsockname(fd, (struct sockaddr *)&at, &length);
  return ntohs(at.sin_port);
}

static void tell(const void *node, VISIT order, void *unused) {
  const Object *o = *(Object *const *)node;
  (void)unused;
  if (order == postorder || order == leaf) printf("%ld\t%s\n", o->size, o->key);
}

static void report(void) {
  printf("{");
  for (int i = 0; METHODS[i]; i++) printf("\"%s\": %ld, ", METHODS[i], counts[i]);
  printf("\"connections\": %ld, \"handshakes\": %ld, \"bytes_in\": %ld, \"bytes_out\": %ld, \"peak\": %ld, \"refused\": %ld}\n",
         connections, handshakes, bytes_in, bytes_out, peak, refused);
  fflush(stdout);
}

int main(int count, char **words) {
  long threads = 2;
  for (int i = 1; i < count; i++) {
    if (!strcmp(words[i], "--delay")) delay = atof(words[++i]) / 1000;
    else if (!strcmp(words[i], "--objects")) load(words[++i]);
    else if (!strcmp(words[i], "--threads")) threads = atol(words[++i]);
    else if (!strcmp(words[i], "--tls")) secure(words[i + 1], words[i + 2]), i += 2;
    else return fprintf(stderr, "unknown: %s\n", words[i]), 2;
  }
  signal(SIGPIPE, SIG_IGN); /* a client that is gone is no reason to go */
  listening = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  poll_fd = epoll_create1(EPOLL_CLOEXEC);
  printf("%d\n", port_of(listening));
  fflush(stdout);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = &listening};
  epoll_ctl(poll_fd, EPOLL_CTL_ADD, listening, &event);
  Worker *workers = calloc(threads, sizeof *workers);
  for (long i = 0; i < threads; i++) pthread_create(&workers[i].id, 0, work, &workers[i]);
  for (int read; (read = getchar()) != EOF;)
    if (read == '\n') report();
  twalk_r(objects, tell, 0);
  fflush(stdout);
  _exit(0);
}
