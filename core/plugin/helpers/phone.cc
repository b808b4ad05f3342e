// Telephone numbers by libphonenumber, behind one C function. C++ exceptions end here.
#include <phonenumbers/logger.h>
#include <phonenumbers/phonenumberutil.h>

#include <cstring>
#include <new>
#include <string>

extern "C" __attribute__((visibility("default"))) int sb_phone_format(const char *text, const char *region,
                                                                      char ret_e164[24], int *ret_is_valid);

using i18n::phonenumbers::PhoneNumber;
using i18n::phonenumbers::PhoneNumberUtil;

namespace
{
int format(const char *text, const char *region, char *ret_e164, int *ret_is_valid)
{
    PhoneNumber number;
    std::string e164;
    const PhoneNumberUtil *util = PhoneNumberUtil::GetInstance();

    if (util->Parse(text, region, &number) != PhoneNumberUtil::NO_PARSING_ERROR)
        return -1;
    util->Format(number, PhoneNumberUtil::E164, &e164);
    if (e164.size() < 2 || e164.size() >= 24)
        return -1;
    std::memcpy(ret_e164, e164.c_str(), e164.size() + 1);
    *ret_is_valid = util->IsValidNumber(number) ? 1 : 0;
    return 0;
}

// The library would write what it cannot parse to standard output: personal data in a log. It owns the logger.
void be_silent()
{
    static const bool is_silent = [] {
        PhoneNumberUtil::GetInstance()->SetLogger(new i18n::phonenumbers::NullLogger);
        return true;
    }();

    (void)is_silent;
}
} // namespace

extern "C" int sb_phone_format(const char *text, const char *region, char ret_e164[24], int *ret_is_valid)
{
    try {
        be_silent();
        return format(text, region, ret_e164, ret_is_valid);
    } catch (const std::bad_alloc &) {
        return -2;
    } catch (...) {
        return -1;
    }
}
