"""One example of every type of event, written by hand from what such events are about."""

from __future__ import annotations

from typing import Any

PRODUCT = {
    "id": "P-1", "sku": "SKU-1", "name": "Scarf", "price": 19.9, "category": ["winter", "wool"],
    "shortDescription": "Warm", "linkUrl": "https://shop.example/p/1",
    "imageUrl": "https://shop.example/p/1.png",
    "classifications": [{"key": "brand", "value": "Acme"}],
}  # fmt: skip
LINE = PRODUCT | {"orderLineId": 1, "quantity": 2, "subtotal": 39.8, "type": "sale"}
AMOUNT = {"total": 45.8, "revenue": 39.8, "shipping": 6, "tax": 0, "discount": 0,
          "local": {"currency": "EUR", "exchangeRate": 1}}  # fmt: skip
CAMPAIGN = {"campaignId": "C-1", "campaignName": "Spring", "campaignSubject": "Hello",
            "campaignTags": ["spring"], "channel": "EMAIL", "listId": "L", "listName": "News",
            "subscriberId": "S-1", "recipient": "a@b.example", "userdbId": 7}  # fmt: skip
TICKET = {"ticketId": "T-1", "category": ["returns"], "subject": "Where is it", "text": "Lost"}
ATTENDANCE = {"eventId": "E-1", "eventName": "Opening", "eventDate": "2021-05-06T18:00:00Z",
              "eventType": "party", "eventLocation": {"type": "STORE", "name": "Main street"}}  # fmt: skip
SERVICE = {"serviceId": "SV-1", "serviceName": "Care", "serviceType": "gold",
           "subscriberId": "S-1", "startDate": "2021-01-01T00:00:00Z"}  # fmt: skip
REWARD = {"rewardAmount": 10, "rewardTypeId": "points", "rewardType": "Points"}
LIST = {"subscriberId": "S-1", "listId": "L", "listName": "News", "channel": "EMAIL"}
LINK = {"path": "/p", "url": "https://shop.example/p", "title": "P", "referer": "https://a.example"}

EXAMPLES: dict[str, dict[str, Any]] = {
    "abandonedCart": {"orderId": "O-1", "abandonedCartUrl": "https://shop.example/cart",
                      "amount": AMOUNT, "products": [LINE]},
    "abandonedSession": {"abandonedSessionUrl": "https://shop.example/", "products": [{"id": "P-1"}]},
    "addedCompare": PRODUCT, "removedCompare": PRODUCT, "addedWishlist": PRODUCT,
    "removedWishlist": PRODUCT, "viewedProduct": PRODUCT, "addedProduct": PRODUCT | {"quantity": 1},
    "removedProduct": PRODUCT | {"quantity": 1}, "reviewedProduct": {"id": "P-1", "rating": "5"},
    "viewedProductCategory": {"category": "winter"},
    "completedOrder": {"orderId": "O-1", "type": "sale", "storeCode": "S1", "paymentMethod": "cash",
                       "amount": AMOUNT, "products": [LINE]},
    "orderShipped": {"orderId": "O-1", "carrier": "Fast", "trackingCode": "X", "packages": 1},
    "addedReward": REWARD, "removedReward": REWARD,
    "grantedCoupon": {"code": "WELCOME", "totalAmount": 10, "startValidityDate": "2021-01-01T00:00:00Z"},
    "campaignSent": CAMPAIGN, "campaignBlacklisted": CAMPAIGN, "campaignBounced": CAMPAIGN,
    "campaignMarkedSpam": CAMPAIGN, "campaignOpened": CAMPAIGN | {"isMobile": 1},
    "campaignLinkClicked": CAMPAIGN | {"linkUrl": "https://shop.example", "linkId": "1"},
    "campaignSubscribed": LIST, "campaignUnsubscribed": CAMPAIGN, "campaignOptinRequested": LIST,
    "changedSetting": {"setting": "LANGUAGE", "oldValue": "it", "newValue": "en"},
    "clickedLink": LINK | {"linkTags": ["a"]}, "viewedPage": LINK | {"pageTags": ["a"]},
    "searched": {"keyword": "scarf", "resultCount": 3},
    "formCompiled": {"formName": "Contact", "formId": "F-1", "data": {"any": ["thing", 1]}},
    "openedTicket": TICKET, "repliedTicket": TICKET, "closedTicket": TICKET,
    "eventConfirmed": ATTENDANCE, "eventDeclined": ATTENDANCE, "eventEligible": ATTENDANCE,
    "eventInvited": ATTENDANCE, "eventNoShow": ATTENDANCE, "eventNotInvited": ATTENDANCE,
    "eventRegistered": ATTENDANCE,
    "eventParticipated": ATTENDANCE | {"checkIn": "2021-05-06T18:05:00Z"},
    "serviceSubscribed": SERVICE, "serviceUnsubscribed": SERVICE,
    "surveyCompiled": {"surveyId": "V-1", "surveyName": "How was it"},
    "genericActiveEvent": {"name": "waved"}, "genericPassiveEvent": {"name": "was waved at"},
    "loggedIn": {}, "loggedOut": {},
}  # fmt: skip
