"""The fields of the standard objects, one a line: name, type, length, flags, label, compound field, referenced objects,
relationship (developer.salesforce.com, Object Reference for the Salesforce Platform).

Flags: c createable, u updateable, ! never null, d defaulted on create, x restricted picklist, n the name field,
l finds records.
"""

from __future__ import annotations

ACCOUNT = """
Id|id|18|!d|Account ID
IsDeleted|boolean|0|!d|Deleted
MasterRecordId|reference|18|-|Master Record ID||Account|MasterRecord
Name|string|255|cu!n|Account Name|Name
Type|picklist|40|cu|Account Type
ParentId|reference|18|cu|Parent Account ID||Account|Parent
BillingStreet|textarea|255|cu|Billing Street|BillingAddress
BillingCity|string|40|cu|Billing City|BillingAddress
BillingState|string|80|cu|Billing State/Province|BillingAddress
BillingPostalCode|string|20|cu|Billing Zip/Postal Code|BillingAddress
BillingCountry|string|80|cu|Billing Country|BillingAddress
BillingLatitude|double|0|cu|Billing Latitude|BillingAddress
BillingLongitude|double|0|cu|Billing Longitude|BillingAddress
BillingGeocodeAccuracy|picklist|40|cux|Billing Geocode Accuracy|BillingAddress
BillingAddress|address|0|-|Billing Address
ShippingStreet|textarea|255|cu|Shipping Street|ShippingAddress
ShippingCity|string|40|cu|Shipping City|ShippingAddress
ShippingState|string|80|cu|Shipping State/Province|ShippingAddress
ShippingPostalCode|string|20|cu|Shipping Zip/Postal Code|ShippingAddress
ShippingCountry|string|80|cu|Shipping Country|ShippingAddress
ShippingLatitude|double|0|cu|Shipping Latitude|ShippingAddress
ShippingLongitude|double|0|cu|Shipping Longitude|ShippingAddress
ShippingGeocodeAccuracy|picklist|40|cux|Shipping Geocode Accuracy|ShippingAddress
ShippingAddress|address|0|-|Shipping Address
Phone|phone|40|cu|Account Phone
Fax|phone|40|cu|Account Fax
AccountNumber|string|40|cu|Account Number
Website|url|255|cu|Website
PhotoUrl|url|255|-|Photo URL
Sic|string|20|cu|SIC Code
Industry|picklist|40|cu|Industry
AnnualRevenue|currency|0|cu|Annual Revenue
NumberOfEmployees|int|0|cu|Employees
Ownership|picklist|40|cu|Ownership
TickerSymbol|string|20|cu|Ticker Symbol
Description|textarea|32000|cu|Account Description
Rating|picklist|40|cu|Account Rating
Site|string|80|cu|Account Site
OwnerId|reference|18|cu!d|Owner ID||User|Owner
CreatedDate|datetime|0|!d|Created Date
CreatedById|reference|18|!d|Created By ID||User|CreatedBy
LastModifiedDate|datetime|0|!d|Last Modified Date
LastModifiedById|reference|18|!d|Last Modified By ID||User|LastModifiedBy
SystemModstamp|datetime|0|!d|System Modstamp
LastActivityDate|date|0|-|Last Activity
LastViewedDate|datetime|0|-|Last Viewed Date
LastReferencedDate|datetime|0|-|Last Referenced Date
Jigsaw|string|20|cu|Data.com Key
JigsawCompanyId|string|20|-|Jigsaw Company ID|||JigsawCompany
CleanStatus|picklist|40|cux|Clean Status
AccountSource|picklist|40|cu|Account Source
DunsNumber|string|9|cu|D-U-N-S Number
Tradestyle|string|255|cu|Tradestyle
NaicsCode|string|8|cu|NAICS Code
NaicsDesc|string|120|cu|NAICS Description
YearStarted|string|4|cu|Year Started
SicDesc|string|80|cu|SIC Description
"""

CONTACT = """
Id|id|18|!d|Contact ID
IsDeleted|boolean|0|!d|Deleted
MasterRecordId|reference|18|-|Master Record ID||Contact|MasterRecord
AccountId|reference|18|cu|Account ID||Account|Account
LastName|string|80|cu!|Last Name|Name
FirstName|string|40|cu|First Name|Name
MiddleName|string|40|cu|Middle Name|Name
Suffix|string|40|cu|Suffix|Name
Salutation|picklist|40|cu|Salutation|Name
Name|string|121|!n|Full Name
OtherStreet|textarea|255|cu|Other Street|OtherAddress
OtherCity|string|40|cu|Other City|OtherAddress
OtherState|string|80|cu|Other State/Province|OtherAddress
OtherPostalCode|string|20|cu|Other Zip/Postal Code|OtherAddress
OtherCountry|string|80|cu|Other Country|OtherAddress
OtherStateCode|picklist|10|cux|Other State/Province Code|OtherAddress
OtherCountryCode|picklist|10|cux|Other Country Code|OtherAddress
OtherLatitude|double|0|cu|Other Latitude|OtherAddress
OtherLongitude|double|0|cu|Other Longitude|OtherAddress
OtherGeocodeAccuracy|picklist|40|cux|Other Geocode Accuracy|OtherAddress
OtherAddress|address|0|-|Other Address
MailingStreet|textarea|255|cu|Mailing Street|MailingAddress
MailingCity|string|40|cu|Mailing City|MailingAddress
MailingState|string|80|cu|Mailing State/Province|MailingAddress
MailingPostalCode|string|20|cu|Mailing Zip/Postal Code|MailingAddress
MailingCountry|string|80|cu|Mailing Country|MailingAddress
MailingStateCode|picklist|10|cux|Mailing State/Province Code|MailingAddress
MailingCountryCode|picklist|10|cux|Mailing Country Code|MailingAddress
MailingLatitude|double|0|cu|Mailing Latitude|MailingAddress
MailingLongitude|double|0|cu|Mailing Longitude|MailingAddress
MailingGeocodeAccuracy|picklist|40|cux|Mailing Geocode Accuracy|MailingAddress
MailingAddress|address|0|-|Mailing Address
Phone|phone|40|cu|Business Phone
Fax|phone|40|cu|Business Fax
MobilePhone|phone|40|cu|Mobile Phone
HomePhone|phone|40|cu|Home Phone
OtherPhone|phone|40|cu|Other Phone
AssistantPhone|phone|40|cu|Asst. Phone
ReportsToId|reference|18|cu|Reports To ID||Contact|ReportsTo
Email|email|80|cu|Email
HasOptedOutOfEmail|boolean|0|cu!d|Email Opt Out
HasOptedOutOfFax|boolean|0|cu!d|Fax Opt Out
DoNotCall|boolean|0|cu!d|Do Not Call
Title|string|128|cu|Title
Department|string|80|cu|Department
AssistantName|string|40|cu|Assistant's Name
LeadSource|picklist|40|cu|Lead Source
Birthdate|date|0|cu|Birthdate
Description|textarea|32000|cu|Contact Description
OwnerId|reference|18|cu!d|Owner ID||User|Owner
CreatedDate|datetime|0|!d|Created Date
CreatedById|reference|18|!d|Created By ID||User|CreatedBy
LastModifiedDate|datetime|0|!d|Last Modified Date
LastModifiedById|reference|18|!d|Last Modified By ID||User|LastModifiedBy
SystemModstamp|datetime|0|!d|System Modstamp
LastActivityDate|date|0|-|Last Activity
LastCURequestDate|datetime|0|-|Last Stay-in-Touch Request Date
LastCUUpdateDate|datetime|0|-|Last Stay-in-Touch Save Date
LastViewedDate|datetime|0|-|Last Viewed Date
LastReferencedDate|datetime|0|-|Last Referenced Date
EmailBouncedReason|string|255|cu|Email Bounced Reason
EmailBouncedDate|datetime|0|cu|Email Bounced Date
IsEmailBounced|boolean|0|!d|Is Email Bounced
PhotoUrl|url|255|-|Photo URL
Jigsaw|string|20|cu|Data.com Key
JigsawContactId|string|20|-|Jigsaw Contact ID|||JigsawContact
CleanStatus|picklist|40|cux|Clean Status
"""

LEAD = """
Id|id|18|!d|Lead ID
IsDeleted|boolean|0|!d|Deleted
MasterRecordId|reference|18|-|Master Record ID||Lead|MasterRecord
LastName|string|80|cu!|Last Name|Name
FirstName|string|40|cu|First Name|Name
MiddleName|string|40|cu|Middle Name|Name
Suffix|string|40|cu|Suffix|Name
Salutation|picklist|40|cu|Salutation|Name
Name|string|121|!n|Full Name
Title|string|128|cu|Title
Company|string|255|cu!|Company
Street|textarea|255|cu|Street|Address
City|string|40|cu|City|Address
State|string|80|cu|State/Province|Address
PostalCode|string|20|cu|Zip/Postal Code|Address
Country|string|80|cu|Country|Address
StateCode|picklist|10|cux|State/Province Code|Address
CountryCode|picklist|10|cux|Country Code|Address
Latitude|double|0|cu|Latitude|Address
Longitude|double|0|cu|Longitude|Address
GeocodeAccuracy|picklist|40|cux|Geocode Accuracy|Address
Address|address|0|-|Address
Phone|phone|40|cu|Phone
MobilePhone|phone|40|cu|Mobile Phone
Fax|phone|40|cu|Fax
Email|email|80|cu|Email
HasOptedOutOfEmail|boolean|0|cu!d|Email Opt Out
HasOptedOutOfFax|boolean|0|cu!d|Fax Opt Out
DoNotCall|boolean|0|cu!d|Do Not Call
Website|url|255|cu|Website
PhotoUrl|url|255|-|Photo URL
Description|textarea|32000|cu|Description
LeadSource|picklist|40|cu|Lead Source
Status|picklist|40|cu!d|Status
Industry|picklist|40|cu|Industry
Rating|picklist|40|cu|Rating
AnnualRevenue|currency|0|cu|Annual Revenue
NumberOfEmployees|int|0|cu|Employees
OwnerId|reference|18|cu!d|Owner ID||Group,User|Owner
IsConverted|boolean|0|c!d|Converted
ConvertedDate|date|0|-|Converted Date
ConvertedAccountId|reference|18|-|Converted Account ID||Account|ConvertedAccount
ConvertedContactId|reference|18|-|Converted Contact ID||Contact|ConvertedContact
IsUnreadByOwner|boolean|0|cu!d|Unread By Owner
CreatedDate|datetime|0|!d|Created Date
CreatedById|reference|18|!d|Created By ID||User|CreatedBy
LastModifiedDate|datetime|0|!d|Last Modified Date
LastModifiedById|reference|18|!d|Last Modified By ID||User|LastModifiedBy
SystemModstamp|datetime|0|!d|System Modstamp
LastActivityDate|date|0|-|Last Activity
LastViewedDate|datetime|0|-|Last Viewed Date
LastReferencedDate|datetime|0|-|Last Referenced Date
Jigsaw|string|20|cu|Data.com Key
JigsawContactId|string|20|-|Jigsaw Contact ID|||JigsawContact
CleanStatus|picklist|40|cux|Clean Status
CompanyDunsNumber|string|9|cu|Company D-U-N-S Number
EmailBouncedReason|string|255|u|Email Bounced Reason
EmailBouncedDate|datetime|0|u|Email Bounced Date
"""

CAMPAIGN = """
Id|id|18|!d|Campaign ID
IsDeleted|boolean|0|!d|Deleted
Name|string|80|cu!nl|Name
ParentId|reference|18|cu|Parent Campaign ID||Campaign|Parent
Type|picklist|40|cud|Type
Status|picklist|40|cud|Status
StartDate|date|0|cu|Start Date
EndDate|date|0|cu|End Date
ExpectedRevenue|currency|0|cu|Expected Revenue in Campaign
BudgetedCost|currency|0|cu|Budgeted Cost in Campaign
ActualCost|currency|0|cu|Actual Cost in Campaign
ExpectedResponse|percent|0|cu|Expected Response (%)
NumberSent|double|0|cu|Num Sent in Campaign
IsActive|boolean|0|cu!d|Active
Description|textarea|32000|cu|Description
NumberOfLeads|int|0|!|Leads in Campaign
NumberOfConvertedLeads|int|0|!|Converted Leads in Campaign
NumberOfContacts|int|0|!|Contacts in Campaign
NumberOfResponses|int|0|!|Responses in Campaign
NumberOfOpportunities|int|0|!|Opportunities in Campaign
NumberOfWonOpportunities|int|0|!|Won Opportunities in Campaign
AmountAllOpportunities|currency|0|!|Value Opportunities in Campaign
AmountWonOpportunities|currency|0|!|Value Won Opportunities in Campaign
OwnerId|reference|18|cu!d|Owner ID||User|Owner
CreatedDate|datetime|0|!d|Created Date
CreatedById|reference|18|!d|Created By ID||User|CreatedBy
LastModifiedDate|datetime|0|!d|Last Modified Date
LastModifiedById|reference|18|!d|Last Modified By ID||User|LastModifiedBy
SystemModstamp|datetime|0|!d|System Modstamp
LastActivityDate|date|0|-|Last Activity
LastViewedDate|datetime|0|-|Last Viewed Date
LastReferencedDate|datetime|0|-|Last Referenced Date
"""

CAMPAIGN_MEMBER = """
Id|id|18|!d|Campaign Member ID
IsDeleted|boolean|0|!d|Deleted
CampaignId|reference|18|c!|Campaign ID||Campaign|Campaign
LeadId|reference|18|c|Lead ID||Lead|Lead
ContactId|reference|18|c|Contact ID||Contact|Contact
Status|picklist|40|cu|Status
HasResponded|boolean|0|!d|Responded
CreatedDate|datetime|0|!d|Created Date
CreatedById|reference|18|!d|Created By ID||User|CreatedBy
LastModifiedDate|datetime|0|!d|Last Modified Date
LastModifiedById|reference|18|!d|Last Modified By ID||User|LastModifiedBy
SystemModstamp|datetime|0|!d|System Modstamp
FirstRespondedDate|date|0|-|First Responded Date
"""

USER = """
Id|id|18|!d|User ID
Username|string|80|cu!|Username
LastName|string|80|cu!|Last Name|Name
FirstName|string|40|cu|First Name|Name
Name|string|121|!n|Full Name
Email|email|128|cu!|Email
IsActive|boolean|0|cu!d|Active
CreatedDate|datetime|0|!d|Created Date
CreatedById|reference|18|!d|Created By ID||User|CreatedBy
LastModifiedDate|datetime|0|!d|Last Modified Date
LastModifiedById|reference|18|!d|Last Modified By ID||User|LastModifiedBy
SystemModstamp|datetime|0|!d|System Modstamp
"""

ORGANIZATION = """
Id|id|18|!d|Organization ID
Name|string|80|u!n|Name
IsSandbox|boolean|0|!d|Is Sandbox
OrganizationType|picklist|40|-|Edition
CreatedDate|datetime|0|!d|Created Date
CreatedById|reference|18|!d|Created By ID||User|CreatedBy
LastModifiedDate|datetime|0|!d|Last Modified Date
LastModifiedById|reference|18|!d|Last Modified By ID||User|LastModifiedBy
SystemModstamp|datetime|0|!d|System Modstamp
"""
