#!/usr/bin/env python3
"""Zoho Desk's contacts, searches and comments: the numbered items ZD and ZE of what a faithful simulator must do."""

import sys
import unittest
import urllib.parse

from localservices import DEPARTMENT, REFRESH, ServicesTest

CONTACT_KEYS = set(
    "id layoutId firstName lastName facebook twitter accountCount email secondaryEmail mobile phone city country state "
    "street zip description title type createdTime modifiedTime ownerId language accountId customFields cf "
    "layoutDetails zohoCRMContact customerHappiness isTrashed isAnonymous isDeleted isFollowing isEndUser photoURL "
    "isSpam webUrl".split())
CONTACT_LIST_KEYS = set(
    "accountCount accountId createdTime customerHappiness email firstName id isAnonymous isEndUser isSpam lastName "
    "mobile ownerId phone photoURL secondaryEmail title type webUrl zohoCRMContact".split())
CONTACT_SEARCH_KEYS = (CONTACT_KEYS - {"isDeleted", "isFollowing", "isTrashed", "layoutDetails"}) | {"account", "owner"}
COMMENT_KEYS = set("id content commenterId commentedTime modifiedTime contentType commenter impersonatedUser isPublic "
                   "encodedContent attachments".split())


def multipart(name="file", file_name="call.mp3", data=b"abc", boundary="xyz", more=b""):
    body = (b"--%s\r\nContent-Disposition: form-data; name=\"%s\"; filename=\"%s\"\r\nContent-Type: audio/mpeg\r\n\r\n"
            % (boundary.encode(), name.encode(), file_name.encode())) + data + b"\r\n" + more
    return body + b"--%s--\r\n" % boundary.encode(), {"Content-Type": "multipart/form-data; boundary=" + boundary}


def quote(text):
    return urllib.parse.quote(text, safe="")


class ZD(ServicesTest):
    def search(self, query):
        answer = self.desk("GET", "/contacts/search?" + query)
        self.assertIn(answer.status, (200, 204), answer.body)
        return [row["lastName"] for row in answer.json["data"]] if answer.json else []

    def test_zd1_create_needs_only_a_last_name(self):
        contact = self.contact(lastName="Caller", mobile="(555) 010-0001")
        self.assertEqual(set(contact), CONTACT_KEYS)
        self.assertEqual((contact["mobile"], contact["phone"], contact["accountCount"]), ("(555) 010-0001", None, "0"))
        self.assertEqual(contact["webUrl"].rsplit("/", 1)[1], contact["id"])
        self.assert_invalid(self.desk("POST", "/contacts", {"phone": "1"}), "/lastName", "missing")
        for field, value in (("lastName", "l" * 201), ("firstName", "f" * 41), ("phone", "1" * 51),
                             ("mobile", "1" * 51), ("email", "e"), ("ownerId", "1"), ("street", "s" * 251),
                             ("description", "d" * 65536), ("phone", ""), ("phone", 5550100001)):
            self.assert_invalid(self.desk("POST", "/contacts", dict({"lastName": "x"}, **{field: value})), "/" + field)

    def test_zd1_duplicates_are_accepted_unless_the_layout_forbids(self):
        ids = {self.contact(email="a@example.com")["id"] for _ in range(3)}
        self.assertEqual(len(ids), 3)
        self.knobs("desk", unique_contact_field="email")
        answer = self.desk("POST", "/contacts", {"lastName": "x", "email": "a@example.com"})
        self.assert_invalid(answer, "/email", "duplicate")
        self.assertEqual(self.services.report()["violations_total"], 0)

    def test_zd1_get_patch_and_list(self):
        contact = self.contact(phone="1 555 010 0001")
        self.assertEqual(self.desk("GET", "/contacts/" + contact["id"]).json, contact)
        answer = self.desk("PATCH", "/contacts/" + contact["id"], {"mobile": "5550100002"})
        self.assertEqual((answer.status, set(answer.json), answer.json["phone"], answer.json["mobile"]),
                         (200, CONTACT_KEYS, "1 555 010 0001", "5550100002"))
        self.contact(lastName="Second")
        rows = self.desk("GET", "/contacts?limit=50").json["data"]
        self.assertEqual([row["lastName"] for row in rows], ["Caller", "Second"])
        self.assertEqual(set(rows[0]), CONTACT_LIST_KEYS)

    def test_zd2_numbers_are_texts(self):
        self.contact(lastName="Plus", phone="+915550100001")
        self.contact(lastName="Zero", phone="05550100001")
        self.contact(lastName="Bare", mobile="5550100001")
        self.contact(lastName="Spaced", phone="555 010 0001")
        cases = {"phone=5550100001": [], "phone=*5550100001": ["Plus", "Zero"], "mobile=*5550100001": ["Bare"],
                 "phone=%2B915550100001": ["Plus"], "phone=+915550100001": [], "phone=*555*": ["Plus", "Zero", "Spaced"],
                 "phone=555*": ["Spaced"], "phone=05550100001,%2B915550100001": ["Plus", "Zero"],
                 "phone=*5550100001&lastName=Zero": ["Zero"], "phone=%24%7Bempty%7D": ["Bare"],
                 "phone=%24%7Bnotempty%7D": ["Plus", "Zero", "Spaced"], "phone=*5550100009": []}
        for query, wanted in cases.items():
            self.assertEqual(self.search(query), wanted, query)

    def test_zd2_other_criteria_and_shape(self):
        self.contact(lastName="Alpha", firstName="Ann", email="ann@example.com", cf={"cf_crm_id": "17"})
        self.contact(lastName="Beta", email="ann@example.com.example.org", cf={"cf_crm_id": "171"})
        cases = {"email=ann@example.com": ["Alpha"], "email=ann@example.com*": ["Alpha", "Beta"],
                 "email=*example.com": [], "customField1=cf_crm_id:17": ["Alpha"],
                 "customField2=cf_crm_id:17*": ["Alpha", "Beta"], "fullName=Ann%20Alpha": ["Alpha"],
                 "lastName=alp*": ["Alpha"], "_all=example.org": ["Beta"], "sortBy=-lastName": ["Beta", "Alpha"],
                 "": ["Alpha", "Beta"], "createdTimeRange=2020-01-01T00:00:00Z,null": ["Alpha", "Beta"],
                 "createdTimeRange=null,2020-01-01T00:00:00.000Z": [], "limit=1": ["Alpha"], "from=1": ["Beta"]}
        for query, wanted in cases.items():
            self.assertEqual(self.search(query), wanted, query)
        body = self.desk("GET", "/contacts/search?limit=1").json
        self.assertEqual(body["count"], 2)
        self.assertEqual(set(body["data"][0]), CONTACT_SEARCH_KEYS)
        self.assertEqual(body["data"][0]["owner"]["emailId"], "agent.one@example.com")

    def test_zd2_default_limit_is_ten(self):
        for number in range(12):
            self.contact(lastName="N%02d" % number)
        body = self.desk("GET", "/contacts/search").json
        self.assertEqual((len(body["data"]), body["count"]), (10, 12))

    def test_zd3_index_lag_of_both_searches_also_after_an_update(self):
        self.knobs("desk", index_lag_ms=60000)
        contact = self.contact(phone="5550100001")
        ticket = self.ticket(contact, subject="Call one", cf={"cf_ref": "C-1"})
        contacts, tickets = "/contacts/search?phone=*5550100001", "/tickets/search?customField1=cf_ref:C-1"
        self.assertEqual((self.desk("GET", contacts).status, self.desk("GET", tickets).status), (204, 204))
        self.assertEqual(self.desk("GET", "/contacts/" + contact["id"]).status, 200)
        self.advance(61000)
        self.assertEqual((self.desk("GET", contacts).status, self.desk("GET", tickets).status), (200, 200))
        self.desk("PATCH", "/contacts/" + contact["id"], {"phone": "5550100002"})
        self.desk("PATCH", "/tickets/" + ticket["id"], {"cf": {"cf_ref": "C-2"}})
        self.assertEqual(self.desk("GET", contacts).json["data"][0]["phone"], "5550100001")
        self.assertEqual(self.desk("GET", tickets).status, 200)
        self.assertEqual(self.desk("GET", "/contacts/search?phone=*5550100002").status, 204)
        self.advance(61000)
        self.assertEqual((self.desk("GET", contacts).status, self.desk("GET", tickets).status), (204, 204))
        self.assertEqual(self.desk("GET", "/contacts/search?phone=*5550100002").status, 200)

    def test_ticket_search_criteria(self):
        contact = self.contact(lastName="Alpha", email="a@example.com")
        first = self.ticket(contact, subject="Call from 05550100001 - Billing [C-01]", phone="05550100001",
                            priority="High", cf={"cf_ref": "C-01"})
        self.advance(2000)
        self.ticket(subject="Other one", status="Closed")
        cases = {"subject=Call%20from*": 1, "subject=Call%20from": 0, "_all=C-01": 1, "customField1=cf_ref:C-01": 1,
                 "customField1=cf_ref:C-0": 0, "customField1=cf_ref:C-0*": 1, "contactId=" + contact["id"]: 1,
                 "contactName=Alpha": 1, "departmentId=" + DEPARTMENT: 2, "phone=*5550100001": 1, "priority=High": 1,
                 "status=%24%7BOPEN%7D": 1, "status=Closed": 1, "status=Open,Closed": 2, "channel=Phone": 2,
                 "ticketNumber=" + first["ticketNumber"]: 1, "assigneeId=%24%7Bempty%7D": 0, "accountName=Acme": 0,
                 "createdTimeRange=null,2020-01-01T00:00:00Z": 0, "": 2}
        for query, count in cases.items():
            answer = self.desk("GET", "/tickets/search?" + query)
            self.assertEqual(answer.json["count"] if answer.json else 0, count, (query, answer.body))
        rows = self.desk("GET", "/tickets/search?sortBy=modifiedTime").json["data"]
        self.assertEqual(rows[0]["id"], first["id"])
        self.assertEqual(rows[0]["contact"]["lastName"], "Alpha")

    def test_spam_is_not_found_by_search(self):
        contact = self.contact()
        ticket = self.ticket(contact)
        self.assertEqual(self.services.control("POST", "/desk/spam", {"id": ticket["id"]}).status, 204)
        self.assertEqual(self.desk("GET", "/tickets/search?id=" + ticket["id"]).status, 204)
        self.assertEqual(len(self.desk("GET", "/contacts/%s/tickets" % contact["id"]).json["data"]), 1)
        self.assertEqual(self.desk("GET", "/contacts/%s/tickets?isSpam=false" % contact["id"]).status, 204)


class ContactHistoryTest(ServicesTest):
    """What people and the CRM do to contacts: merged, deleted, of one department, linked."""

    def refused(self, contact, **more):
        body = {"subject": "x", "departmentId": DEPARTMENT, "contactId": contact["id"], **more}
        return self.desk("POST", "/tickets", body)

    def change(self, contact, **what):
        return self.services.control("POST", "/desk/contacts", {"id": contact["id"], **what}).status

    def find(self, query):
        answer = self.desk("GET", "/contacts/search?" + query)
        return [row["id"] for row in answer.json["data"]] if answer.status == 200 else []

    def test_a_merged_contact_is_gone_and_its_tickets_are_the_others(self):
        old, new = self.contact(email="old@example.com"), self.contact(email="new@example.com")
        ticket = self.ticket(old)
        self.assertEqual(self.change(old, merged_into=new["id"]), 204)
        self.assertEqual(self.desk("GET", "/contacts/" + old["id"]).status, 404)
        self.assertEqual(self.find("email=old@example.com"), [])
        self.assertEqual(self.desk("GET", "/contacts/%s/tickets" % old["id"]).status, 404)
        self.assertEqual(self.desk("GET", "/tickets/" + ticket["id"]).json["contactId"], new["id"])
        self.assert_invalid(self.refused(old), "/contactId")
        self.knobs("desk", merged_contact="survivor")
        self.assertEqual(self.desk("GET", "/contacts/" + old["id"]).json["id"], new["id"])

    def test_a_trashed_contact_says_so_and_takes_no_ticket(self):
        contact = self.contact(email="old@example.com")
        self.assertEqual(self.change(contact, trashed=True), 204)
        self.assertTrue(self.desk("GET", "/contacts/" + contact["id"]).json["isTrashed"])
        self.assertEqual(self.find("email=old@example.com"), [])
        self.assert_invalid(self.refused(contact), "/contactId")

    def test_a_contact_of_one_department_takes_no_ticket_of_another(self):
        contact = self.contact(email="a@example.com")
        self.assertEqual(self.change(contact, department_id="5000001000000006009"), 204)
        self.assert_invalid(self.refused(contact), "/contactId")
        body = {"subject": "x", "departmentId": DEPARTMENT, "contact": {"lastName": "Rao", "email": "a@example.com"}}
        self.assertNotEqual(self.desk("POST", "/tickets", body).json["contactId"], contact["id"])

    def test_the_scenario_tells_of_the_crm(self):
        rows = [{"lastName": "Rao", "email": "a@example.com", "zohoCRMContact": {"id": "7000001", "type": "contacts"}},
                {"lastName": "Rao", "email": "b@example.com", "merged_into": 0}]
        self.assertLess(self.services.control("POST", "/load", {"desk": {"contacts": rows}}).status, 300)
        found = self.desk("GET", "/contacts/search?email=a@example.com").json["data"][0]
        self.assertEqual(found["zohoCRMContact"], {"id": "7000001", "type": "contacts"})
        self.assertEqual(self.find("email=b@example.com"), [])
        rows = self.services.control("GET", "/desk/contacts").json
        self.assertEqual([row["merged_into"] for row in rows], [None, rows[0]["id"]])

    def test_a_custom_field_is_searched_exactly(self):
        contact = self.contact(cf={"cf_crm_id": "7000001"})
        self.contact(cf={"cf_crm_id": "70000012"})
        self.assertEqual(self.find("customField1=cf_crm_id:7000001"), [contact["id"]])


class ZE(ServicesTest):
    def setUp(self):
        super().setUp()
        scope = "Desk.tickets.ALL Desk.contacts.ALL Desk.search.READ Desk.basic.READ Desk.basic.CREATE"
        self.load(accounts={"refresh_tokens": [{"token": REFRESH, "scope": scope}]})
        self.path = "/tickets/" + self.ticket()["id"]

    def comment(self, **fields):
        return self.desk("POST", self.path + "/comments", fields)

    def test_ze1_comment_shape_and_list(self):
        answer = self.comment(content="Part 1 <b>", isPublic=False, contentType="plainText")
        self.assertEqual((answer.status, set(answer.json)), (200, COMMENT_KEYS))
        self.assertEqual((answer.json["isPublic"], answer.json["contentType"], answer.json["content"]),
                         (False, "plainText", "Part 1 <b>"))
        self.assertEqual(answer.json["commenter"]["roleName"], "CEO")
        self.assertEqual(self.comment(content="Part 2").json["contentType"], "html")
        rows = self.desk("GET", self.path + "/comments?sortBy=commentedTime&limit=100&from=0").json["data"]
        self.assertEqual([row["content"] for row in rows], ["Part 1 <b>", "Part 2"])
        self.assertEqual(self.desk("GET", self.path + "/comments/" + rows[0]["id"]).json["content"], "Part 1 <b>")
        self.assertEqual(self.desk("GET", self.path).json["commentCount"], "2")
        self.assertEqual(self.desk("GET", self.path + "/comments?from=2").status, 204)

    def test_ze1_content_limit_and_strict_keys(self):
        self.assertEqual(self.comment(content="\u0928" * 32000).status, 200)
        self.assert_invalid(self.comment(content="x" * 32001), "/content")
        self.assert_invalid(self.comment(isPublic=False), "/content", "missing")
        self.assert_invalid(self.comment(content="x", isPublic="false"), "/isPublic")
        self.assert_invalid(self.comment(content="x", contentType="text"), "/contentType")
        self.assert_error(self.comment(content="x", private=True), 422, "UNPROCESSABLE_ENTITY",
                          "An extra parameter 'private' is found")

    def test_ze1_attachment_shape(self):
        body, headers = multipart(data=b"a\r\n--x\0b" * 9)
        answer = self.desk("POST", self.path + "/attachments?isPublic=false", body, headers)
        self.assertEqual((answer.status, set(answer.json)),
                         (200, {"id", "creatorId", "name", "size", "isPublic", "createdTime", "previewurl", "href"}))
        self.assertEqual((answer.json["name"], answer.json["size"], answer.json["isPublic"]), ("call.mp3", "72", False))
        path = self.path + "/attachments/" + answer.json["id"]
        self.assertEqual(self.desk("GET", path + "/content").body, b"a\r\n--x\0b" * 9)
        self.assertEqual(self.desk("PATCH", path, {"isPublic": True}).status, 200)
        self.assertTrue(self.desk("GET", self.path + "/attachments").json["data"][0]["isPublic"])
        self.assertEqual(self.desk("DELETE", path).status, 200)
        self.assertEqual(self.desk("GET", self.path + "/attachments").status, 204)

    def test_ze2_field_must_be_file_and_small_enough(self):
        body, headers = multipart(name="upload")
        self.assert_error(self.desk("POST", self.path + "/attachments", body, headers), 422, "UNPROCESSABLE_ENTITY",
                          "An extra parameter 'upload' is found")
        body, headers = multipart(more=b"--xyz\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nx\r\n")
        self.assert_error(self.desk("POST", self.path + "/attachments", body, headers), 422, "UNPROCESSABLE_ENTITY")
        self.assert_error(self.desk("POST", self.path + "/attachments", {"file": "x"}), 415, "UNSUPPORTED_MEDIA_TYPE")
        self.assert_error(self.desk("POST", self.path + "/attachments", body[:-9], headers), 422,
                          "UNPROCESSABLE_ENTITY")
        self.knobs("desk", attachment_max_bytes=10)
        body, headers = multipart(data=b"x" * 11)
        self.assert_error(self.desk("POST", self.path + "/attachments", body, headers), 413, "RESOURCE_SIZE_EXCEEDED")
        self.knobs("desk", attachment_max_bytes=0)
        self.assertEqual(self.desk("POST", self.path + "/attachments", body, headers).status, 200)

    def test_ze2_uploads_are_used_once(self):
        body, headers = multipart()
        upload = self.desk("POST", "/uploads", body, headers).json
        self.assertIn("/uploads/", upload["href"])
        self.assertEqual(len(self.comment(content="x", attachmentIds=[upload["id"]]).json["attachments"]), 1)
        self.assert_invalid(self.comment(content="x", attachmentIds=[upload["id"]]), "/attachmentIds")
        self.knobs("desk", upload_shape="short")
        upload = self.desk("POST", "/uploads", body, headers).json
        self.assertEqual(upload["fileName"], "call.mp3")
        self.assertEqual(self.ticket(uploads=[upload["id"]])["attachmentCount"], "1")

    def test_ze3_comment_on_unknown_or_trashed_ticket(self):
        self.assert_error(self.desk("POST", "/tickets/1/comments", {"content": "x"}), 404, "URL_NOT_FOUND")
        self.desk("POST", "/tickets/moveToTrash", {"ticketIds": [self.path.rsplit("/", 1)[1]]})
        self.assert_error(self.comment(content="x"), 404, "URL_NOT_FOUND")


if __name__ == "__main__":
    ServicesTest.program = sys.argv.pop(1)
    unittest.main()
