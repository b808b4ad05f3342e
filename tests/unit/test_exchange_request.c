/* Requests as a step writes them: the address, who gets credentials, and the body in each form. */
#include <errno.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/file.h"
#include "unit/exchange_kit.h"

static const struct sb_plugin basic = KIT_PLUGIN(&kit_basic);
static const struct sb_plugin header = KIT_PLUGIN(&kit_header);
static const struct sb_plugin header_unset = KIT_PLUGIN(&kit_header_unset);
static const struct sb_plugin oauth = KIT_PLUGIN(&kit_oauth);
static const struct sb_plugin nobody = KIT_PLUGIN(NULL);

/* ---- addresses ---- */

static enum sb_verdict build_address(struct sb_exchange *x)
{
    sb_request(x, "GET", sb_option_str(x, "base_url"));
    sb_paths(x, "/v1/things");
    sb_path(x, "a/b c?d#e%f");
    sb_path(x, "\xe0\xa4\x85");
    sb_query(x, "q&", "x=y&z +");
    sb_query(x, "absent", NULL);
    sb_query_int(x, "n", INT64_MIN);
    return SB_OK;
}

static void an_address_is_built_with_escaping(void **state)
{
    (void)state;
    struct kit kit;
    kit_begin(&kit, &basic, "{}");
    assert_int_equal(kit_build(&kit, build_address), SB_OK);
    assert_string_equal(kit.x->request.url,
                        "https://api.example.com/root/v1/things/a%2Fb%20c%3Fd%23e%25f/%E0%A4%85"
                        "?q%26=x%3Dy%26z%20%2B&n=-9223372036854775808");
    assert_int_equal(kit.x->request.timeout_ms, 12000);
    assert_int_equal(kit.x->request.response_size_max, 16 * 1024 * 1024);
    assert_false(kit.x->request.never_resend);
    assert_non_null(kit.x->request.redirect_hosts);
    assert_string_equal(kit.x->request.redirect_hosts[0], "api.example.com:443");
    kit_end(&kit);
}

static enum sb_verdict build_bare(struct sb_exchange *x)
{
    sb_request(x, "GET", sb_option_str(x, "base_url"));
    return SB_OK;
}

static enum sb_verdict build_twice(struct sb_exchange *x)
{
    sb_request(x, "POST", sb_option_str(x, "base_url"));
    sb_path(x, "old");
    sb_query(x, "old", "1");
    sb_header(x, "X-Old", "1");
    sb_body_json(x, json_object());
    sb_request(x, "GET", sb_option_str(x, "base_url"));
    sb_path(x, "new");
    return SB_OK;
}

static void a_second_request_forgets_the_first(void **state)
{
    (void)state;
    struct kit kit;
    kit_begin(&kit, &basic, "{}");
    assert_int_equal(kit_build(&kit, build_twice), SB_OK);
    assert_string_equal(kit.x->request.url, "https://api.example.com/root/new");
    assert_string_equal(kit.x->request.method, "GET");
    assert_int_equal(kit.x->request.body_kind, HTTP_BODY_NONE);
    assert_null(kit_header_of(kit.x, "X-Old"));
    kit_end(&kit);
}

/* ---- credentials ---- */

static enum sb_verdict build_anonymous(struct sb_exchange *x)
{
    (void)build_bare(x);
    sb_anonymous(x);
    return SB_OK;
}

static enum sb_verdict build_own_header(struct sb_exchange *x)
{
    (void)build_bare(x);
    sb_header(x, "authorization", "Bearer of mine");
    return SB_OK;
}

static enum sb_verdict build_files(struct sb_exchange *x)
{
    sb_request(x, "GET", sb_option_str(x, "files_url"));
    sb_path(x, "12.mp3");
    return SB_OK;
}

static void credentials_go_to_their_hosts_only(void **state)
{
    (void)state;
    static const struct {
        const struct sb_plugin *plugin;
        kit_fn build;
        const char *name, *value;
        bool uses_token;
    } rows[] = {
        { &basic, build_bare, "Authorization", "Basic \x02@basic\x03", false },
        { &header, build_bare, "X-Key",
          "Key \x02"
          "api_key\x03",
          false },
        { &header_unset, build_bare, "X-Key", NULL, false },
        { &nobody, build_files, "Authorization", NULL, false },
        { &oauth, build_bare, "Authorization", "Bearer \x02@token\x03", true },
        { &basic, build_anonymous, "Authorization", NULL, false },
        { &oauth, build_anonymous, "Authorization", NULL, false },
        { &basic, build_files, "Authorization", NULL, false },
        { &oauth, build_files, "Authorization", NULL, false },
        { &oauth, build_own_header, "Authorization", "Bearer of mine", false },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct kit kit;
        kit_begin(&kit, rows[i].plugin, "{}");
        if (kit_build(&kit, rows[i].build) != SB_OK)
            fail_msg("row %zu: %s", i, kit.x->reason);
        const char *value = kit_header_of(kit.x, rows[i].name);
        if (!value != !rows[i].value || (value && strcmp(value, rows[i].value) != 0))
            fail_msg("row %zu: '%s'", i, value ? value : "no header");
        assert_int_equal(exchange_uses_token(kit.x), rows[i].uses_token);
        kit_end(&kit);
    }
}

static enum sb_verdict build_given_url(struct sb_exchange *x)
{
    if (!sb_request_url(x, "GET", sb_get_str(x, "url")))
        return sb_skip(x, "not allowed");
    return SB_OK;
}

static void a_given_address_must_be_of_an_allowed_host(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        enum sb_verdict verdict;
        bool has_credentials;
    } rows[] = {
        { "https://api.example.com/x?sig=1%2B2", SB_OK, true },
        { "https://API.Example.com:443/x", SB_OK, true },
        { "https://a.b.partner.example.com/x", SB_OK, true },
        { "https://one.example.net", SB_OK, true },
        { "https://files.example.com:8443/r.mp3?X-Amz-Signature=abc", SB_OK, false },
        { "https://files.example.com/r.mp3", SB_SKIP, false },
        { "http://api.example.com/x", SB_SKIP, false },
        { "https://api.example.com:444/x", SB_SKIP, false },
        { "https://api.example.com.evil.example/x", SB_SKIP, false },
        { "https://evilpartner.example.com/x", SB_SKIP, false },
        { "https://user@api.example.com/x", SB_SKIP, false },
        { "https://api.example.com@evil.example/x", SB_SKIP, false },
        { "http://127.0.0.1:9/x", SB_SKIP, false },
        { "file:///etc/passwd", SB_SKIP, false },
        { "api.example.com/x", SB_SKIP, false },
        { "", SB_SKIP, false },
        { "https://api.example.com/\x02"
          "api_key\x03",
          SB_SKIP, false },
        { "https://api.example.com/a\r\nb", SB_SKIP, false },
    };
    struct kit kit;
    kit_begin(&kit, &basic, "{}");

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        (void)json_object_set_new(kit.document, "url", json_string(rows[i].url));
        enum sb_verdict verdict = kit_build(&kit, build_given_url);
        if (verdict != rows[i].verdict)
            fail_msg("'%s': verdict %d, %s", rows[i].url, (int)verdict, kit.x->reason);
        assert_int_equal(kit_header_of(kit.x, "Authorization") != NULL, rows[i].has_credentials);
        assert_int_equal(kit.x->has_request, verdict == SB_OK);
    }
    kit_end(&kit);
}

/* ---- bodies ---- */

static enum sb_verdict build_json(struct sb_exchange *x)
{
    sb_request(x, "POST", sb_option_str(x, "base_url"));
    sb_header(x, "Content-Type", "application/vnd.kit+json");
    sb_body_json(x, json_pack("{s:s, s:[i,i]}", "b", "\xe2\x82\xac", "a", 1, 2));
    sb_sign_body(x, "X-Signature", "hook_key");
    sb_timeout_ms(x, INT64_C(3600000));
    return SB_OK;
}

static void a_json_body_is_written_and_signed(void **state)
{
    (void)state;
    char hex[DIGEST_HEX_SIZE], want[96];
    static const char text[] = "{\"b\":\"\xe2\x82\xac\",\"a\":[1,2]}";
    struct kit kit;
    kit_begin(&kit, &basic, "{}");
    kit.step.effect = SB_CREATE;

    assert_int_equal(kit_build(&kit, build_json), SB_OK);
    const struct http_request *request = &kit.x->request;
    assert_string_equal(request->body, text);
    assert_int_equal(request->body_size, sizeof(text) - 1);
    assert_true(request->never_resend);
    assert_null(request->redirect_hosts);
    assert_int_equal(request->timeout_ms, 30 * 60 * 1000);
    assert_string_equal(kit_header_of(kit.x, "Content-Type"), "application/vnd.kit+json");
    digest_hmac_hex("not-a-real-hook", strlen("not-a-real-hook"), text, sizeof(text) - 1, hex);
    (void)snprintf(want, sizeof(want), "sha256=%s", hex);
    assert_string_equal(kit_header_of(kit.x, "X-Signature"), want);
    AUTO_JSON shown = exchange_request_json(kit.x);
    kit_same(shown, "{\"method\": \"POST\", \"url\": \"https://api.example.com/root/\", \"headers\": {"
                    "\"Content-Type\": \"application/vnd.kit+json\", \"Authorization\": \"Basic [basic]\","
                    "\"X-Signature\": \"sha256=[hmac]\"}, \"body\": {\"b\": \"\\u20ac\", \"a\": [1, 2]}}");
    kit_end(&kit);
}

static enum sb_verdict build_form(struct sb_exchange *x)
{
    sb_request(x, "POST", sb_option_str(x, "base_url"));
    sb_form(x, "From", "+91 555&x");
    sb_form(x, "Absent", NULL);
    sb_form(x, "To", "");
    return SB_OK;
}

static enum sb_verdict build_text(struct sb_exchange *x)
{
    sb_request(x, "PUT", sb_option_str(x, "base_url"));
    sb_body_text(x, "application/octet-stream", "a\0b", 3);
    return SB_OK;
}

static void forms_and_texts_are_written(void **state)
{
    (void)state;
    struct kit kit;
    kit_begin(&kit, &basic, "{}");
    assert_int_equal(kit_build(&kit, build_form), SB_OK);
    assert_string_equal(kit.x->request.body, "From=%2B91%20555%26x&To=");
    assert_string_equal(kit_header_of(kit.x, "Content-Type"), "application/x-www-form-urlencoded");
    assert_int_equal(kit_build(&kit, build_text), SB_OK);
    assert_int_equal(kit.x->request.body_size, 3);
    assert_memory_equal(kit.x->request.body, "a\0b", 3);
    AUTO_JSON shown = exchange_request_json(kit.x);
    kit_same(json_object_get(shown, "body"), "{\"bytes\": 3}");
    kit_end(&kit);
}

static enum sb_verdict build_parts(struct sb_exchange *x)
{
    sb_request(x, "POST", sb_option_str(x, "base_url"));
    sb_multipart(x, "model", "whisper-1");
    sb_multipart(x, "absent", NULL);
    sb_multipart_file(x, "file", "call.mp3", "audio/mpeg", "0k/12-recording.mp3");
    return SB_OK;
}

static enum sb_verdict build_inline_parts(struct sb_exchange *x)
{
    sb_request(x, "POST", sb_option_str(x, "base_url"));
    bool is_refused = !sb_multipart_base64(x, "file", "a.bin", NULL, "no base64!");
    bool is_taken = sb_multipart_base64(x, "file", "photo.png", "image/png", "AAECgP8=");
    return is_refused && is_taken ? SB_OK : SB_REJECT;
}

static void a_file_may_be_inside_the_record(void **state)
{
    (void)state;
    static const unsigned char bytes[] = { 0, 1, 2, 0x80, 0xff };
    struct kit kit;
    kit_begin(&kit, &basic, "{}");
    assert_int_equal(kit_build(&kit, build_inline_parts), SB_OK);
    assert_int_equal(kit.x->request.part_count, 1);
    assert_int_equal(kit.x->request.parts[0].size, sizeof(bytes));
    assert_memory_equal(kit.x->request.parts[0].bytes, bytes, sizeof(bytes));
    assert_string_equal(kit.x->request.parts[0].filename, "photo.png");
    assert_string_equal(kit.x->request.parts[0].content_type, "image/png");
    AUTO_JSON shown = exchange_request_json(kit.x);
    kit_same(json_object_get(shown, "body"),
             "{\"parts\": [{\"name\": \"file\", \"value\": {\"bytes\": 5}}]}");
    kit_end(&kit);
}

static enum sb_verdict build_file(struct sb_exchange *x)
{
    sb_request(x, "POST", sb_option_str(x, "base_url"));
    sb_body_file(x, "audio/mpeg", "0k/12-recording.mp3");
    sb_save_body(x, "answer.json", 1000);
    return sb_file_size(x, "0k/12-recording.mp3") == 4 && sb_file_size(x, "0k/12-absent.mp3") == -1
               ? SB_OK
               : SB_REJECT;
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info;
    (void)type;
    (void)walk;
    return remove(path);
}

static void files_are_named_by_their_record_in_a_shared_folder(void **state)
{
    (void)state;
    char dir[] = "/tmp/sb-files-XXXXXX", path[128];
    struct sb_error err = SB_ERROR_INIT;
    struct stat info;
    struct kit kit;
    kit_begin(&kit, &basic, "{}");
    assert_non_null(mkdtemp(dir));
    kit.instance->files_dir = dir;

    assert_int_equal(kit_build(&kit, build_parts), SB_OK);
    assert_int_equal(kit.x->request.body_kind, HTTP_BODY_MULTIPART);
    assert_int_equal(kit.x->request.part_count, 2);
    assert_string_equal(kit.x->request.parts[0].bytes, "whisper-1");
    (void)snprintf(path, sizeof(path), "%s/0k/12-recording.mp3", dir);
    assert_string_equal(kit.x->request.parts[1].path, path);
    AUTO_JSON parts = exchange_request_json(kit.x);
    kit_same(json_object_get(parts, "body"), "{\"parts\": [{\"name\": \"model\", \"value\": \"whisper-1\"},"
                                             " {\"name\": \"file\", \"file\": \"0k/12-recording.mp3\"}]}");

    (void)snprintf(path, sizeof(path), "%s/0k", dir);
    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof(path), "%s/0k/12-recording.mp3", dir);
    assert_int_equal(file_write(path, "ID3!", 4, 0600, &err), 0);
    assert_int_equal(kit_build(&kit, build_file), SB_OK);
    assert_string_equal(kit.x->request.body_path, path);
    (void)snprintf(path, sizeof(path), "%s/0k/12-answer.json", dir);
    assert_string_equal(kit.x->request.save_path, path);
    AUTO_JSON shown = exchange_request_json(kit.x);
    kit_same(json_object_get(shown, "body"), "{\"file\": \"0k/12-recording.mp3\"}");
    kit_same(json_object_get(shown, "save"), "\"0k/12-answer.json\"");
    assert_int_equal(stat(dir, &info), 0);
    assert_int_equal(nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
    kit_end(&kit);
}

static enum sb_verdict build_old_file(struct sb_exchange *x)
{
    sb_request(x, "POST", sb_option_str(x, "base_url"));
    sb_body_file(x, "audio/mpeg", "12/recording.mp3");
    return SB_OK;
}

/* Journals of before say "12/recording.mp3". */
static void a_file_in_the_records_own_folder_is_found_too(void **state)
{
    (void)state;
    struct kit kit;
    kit_begin(&kit, &basic, "{}");
    kit.instance->files_dir = "/nowhere";

    assert_int_equal(kit_build(&kit, build_old_file), SB_OK);
    assert_string_equal(kit.x->request.body_path, "/nowhere/12/recording.mp3");
    kit.instance->files_dir = NULL;
    kit_end(&kit);
}

static enum sb_verdict build_save(struct sb_exchange *x)
{
    (void)build_bare(x);
    sb_save_body(x, "recording.mp3", 1000);
    return SB_OK;
}

static void a_folder_is_made_for_its_first_file(void **state)
{
    (void)state;
    char dir[] = "/tmp/sb-files-XXXXXX", path[128];
    struct stat info;
    struct kit kit;
    kit_begin(&kit, &basic, "{}");
    assert_non_null(mkdtemp(dir));
    kit.instance->files_dir = dir;
    assert_int_equal(kit_build(&kit, build_save), SB_OK);
    (void)snprintf(path, sizeof(path), "%s/0k", dir);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    assert_int_equal(rmdir(path), 0);

    struct http_response *response = http_response_new(200, "", 0);
    response->is_saved = true;
    response->saved_size = 9;
    kit.step.fold = NULL;
    assert_int_equal(exchange_fold(kit.x, response), SB_OK);
    assert_string_equal(sb_saved_file(kit.x), "0k/12-recording.mp3");
    assert_int_equal(sb_saved_size(kit.x), 9);

    /* A folder that cannot be made passes, perhaps: the step is tried again. */
    (void)snprintf(path, sizeof(path), "%s/blocked", dir);
    struct sb_error err = SB_ERROR_INIT;
    assert_int_equal(file_write(path, "", 0, 0600, &err), 0);
    kit.instance->files_dir = path;
    assert_int_equal(kit_build(&kit, build_save), SB_RETRY);
    assert_false(kit.x->is_defect);
    assert_true(kit.x->reason[0]);
    assert_int_equal(nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
    kit_end(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_built_with_escaping),
        cmocka_unit_test(a_second_request_forgets_the_first),
        cmocka_unit_test(credentials_go_to_their_hosts_only),
        cmocka_unit_test(a_given_address_must_be_of_an_allowed_host),
        cmocka_unit_test(a_json_body_is_written_and_signed),
        cmocka_unit_test(forms_and_texts_are_written),
        cmocka_unit_test(a_file_may_be_inside_the_record),
        cmocka_unit_test(files_are_named_by_their_record_in_a_shared_folder),
        cmocka_unit_test(a_file_in_the_records_own_folder_is_found_too),
        cmocka_unit_test(a_folder_is_made_for_its_first_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
