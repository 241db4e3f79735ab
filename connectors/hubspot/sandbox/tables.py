"""The properties that contacts and companies have in every account (CRM API, Properties), in a compact form.

Of `CONTACT` and `COMPANY` a line at the margin gives type, fieldType, group and flags of the properties below it:
R read-only value, C calculated, h hidden, d read-only definition, f form field, a archivable, u unique values,
e options that live elsewhere, o read-only options. Then "name=label", with bars between. `OPTIONS`: "value=label".
"""

from __future__ import annotations

CONTACT = """
bool booleancheckbox contact_activity RCda
  hs_sequences_is_enrolled=Currently in Sequence
bool booleancheckbox contactinformation Rda
  hs_content_membership_email_confirmed=Email Confirmed
bool booleancheckbox contactinformation Rhda
  hs_created_by_conversations=Created By Conversations
bool booleancheckbox contactinformation hda
  hs_feedback_show_nps_web_survey=Should be shown an NPS web survey
bool booleancheckbox conversioninformation h
  hs_facebook_ad_clicked=Clicked Facebook ad
bool booleancheckbox emailinformation Rda
  hs_email_optout=Unsubscribed from all email|hs_email_quarantined=Email Address Quarantined
bool booleancheckbox emailinformation Rdao
  hs_email_bad_address=Invalid email address
bool booleancheckbox emailinformation Rhda
  hs_email_is_ineligible=Is globally ineligible
bool calculation_equation sales_properties Rda
  hs_is_unworked=Contact unworked
bool calculation_read_time contactinformation RChda
  hs_is_contact=Is a contact
date date analyticsinformation da
  hs_latest_source_timestamp=Latest Source Date
datetime calculation_rollup contactinformation Rhda
  hs_first_subscription_create_date=First subscription create date
  hs_latest_subscription_create_date=Latest subscription create date
datetime date analyticsinformation Rda
  hs_analytics_first_timestamp=Time First Seen|hs_analytics_first_visit_timestamp=Time of First Session
  hs_analytics_last_timestamp=Time Last Seen|hs_analytics_last_visit_timestamp=Time of Last Session
datetime date contact_activity RCda
  first_conversion_date=First Conversion Date
datetime date contact_activity Rda
  engagements_last_meeting_booked=Date of last meeting booked in meetings tool
  hs_feedback_last_survey_date=Last NPS survey date|hs_last_sales_activity_timestamp=Last Engagement Date
  hs_sales_email_last_clicked=Recent Sales Email Clicked Date
  hs_sales_email_last_opened=Recent Sales Email Opened Date
  hs_sales_email_last_replied=Recent Sales Email Replied Date|notes_last_contacted=Last Contacted
  notes_last_updated=Last Activity Date|notes_next_activity_date=Next Activity Date
datetime date contactinformation RCda
  hs_latest_sequence_ended_date=Last sequence ended date
datetime date contactinformation Rda
  createdate=Create Date|hs_content_membership_registered_at=Registered At
  hs_content_membership_registration_email_sent_at=Time registration email was sent
  hs_createdate=Object create date/time|hs_latest_sequence_enrolled_date=Last sequence enrolled date
  lastmodifieddate=Last Modified Date
datetime date contactinformation Rhda
  hs_document_last_revisited=Recent Document Revisit Date
  hs_last_sales_activity_date=last sales activity date old
  hs_lastmodifieddate=Object last modified date/time|hs_latest_meeting_activity=Latest meeting activity
  hs_latest_sequence_finished_date=Last sequence finished date
  hs_latest_sequence_unenrolled_date=Last sequence unenrolled date
  hs_sa_first_engagement_date=Date of first engagement
datetime date conversioninformation RCda
  recent_conversion_date=Recent Conversion Date
datetime date deal_information Rda
  first_deal_created_date=First Deal Created Date|recent_deal_close_date=Recent Deal Close Date
datetime date deal_information da
  closedate=Close Date
datetime date emailinformation Rda
  hs_email_first_click_date=First marketing email click date
  hs_email_first_open_date=First marketing email open date
  hs_email_first_reply_date=First marketing email reply date
  hs_email_first_send_date=First marketing email send date
  hs_email_last_click_date=Last marketing email click date
  hs_email_last_open_date=Last marketing email open date
  hs_email_last_reply_date=Last marketing email reply date
  hs_email_last_send_date=Last marketing email send date
datetime date emailinformation Rhda
  hs_email_recipient_fatigue_recovery_time=Email Address Recipient Fatigue Next Available Sending Time
datetime date sales_properties Rda
  hubspot_owner_assigneddate=Owner Assigned Date
datetime date socialmediainformation Rda
  hs_social_last_engagement=Most Recent Social Click
enumeration booleancheckbox contact_activity Rda
  currentlyinworkflow=Currently in workflow
enumeration booleancheckbox contactinformation Rda
  hs_marketable_status=Marketing contact status
  hs_marketable_until_renewal=Marketing contact until next update
enumeration checkbox contactinformation Rhda
  hs_merged_object_ids=Merged object IDs
  hs_user_ids_of_all_notification_followers=User IDs of all notification followers
  hs_user_ids_of_all_notification_unfollowers=User IDs of all notification unfollowers
  hs_user_ids_of_all_owners=User IDs of all owners
enumeration checkbox contactinformation dae
  hs_all_assigned_business_unit_ids=Business units
enumeration checkbox deal_information dfa
  hs_buying_role=Buying Role
enumeration checkbox emailinformation da
  hs_legal_basis=Legal basis for processing contact's data
enumeration radio contact_activity Rda
  hs_predictivecontactscorebucket=Lead Rating|hs_predictivescoringtier=Contact priority
enumeration radio contactinformation dfa
  lifecyclestage=Lifecycle Stage
enumeration radio emailinformation Rdao
  hs_email_hard_bounce_reason_enum=Email hard bounce reason
enumeration radio sales_properties dfa
  hs_lead_status=Lead Status
enumeration select analyticsinformation dao
  hs_analytics_source=Original Source|hs_latest_source=Latest Source
enumeration select contact_activity Rda
  hs_feedback_last_nps_rating=Last NPS survey rating
enumeration select contact_activity dao
  hs_content_membership_status=Status
enumeration select contactinformation RChda
  hs_additional_emails=Additional email addresses|hs_all_contact_vids=All vids for a contact
  hs_calculated_form_submissions=All form submissions for a contact
  hs_calculated_merged_vids=Merged vids with timestamps of a contact
  hs_sa_first_engagement_descr=Description of first engagement
  hs_sa_first_engagement_object_type=Type of first engagement
enumeration select contactinformation Rda
  hs_marketable_reason_type=Marketing contact status source type
enumeration select contactinformation Rhdae
  hs_all_accessible_team_ids=All accessible team ids|hs_all_owner_ids=All owner ids
  hs_all_team_ids=All team ids
enumeration select contactinformation dfa
  hs_language=Preferred language|hs_persona=Persona|hs_timezone=Time Zone
enumeration select contactinformation f
  numemployees=Number of Employees
enumeration select contactinformation hdae
  hs_pipeline=Pipeline
enumeration select emailinformation Rda
  hs_email_quarantined_reason=Email address automated quarantine reason
  hs_emailconfirmationstatus=Marketing email confirmation status
enumeration select emailinformation da
  hs_email_customer_quarantined_reason=Email address quarantine reason
enumeration select sales_properties Rdae
  hubspot_team_id=HubSpot Team
enumeration select sales_properties dae
  hubspot_owner_id=Contact owner
number calculation_equation contactinformation Rhda
  hs_count_is_unworked=Count of unengaged contacts|hs_count_is_worked=Count of engaged contacts
number calculation_equation contactinformation a
  hs_time_between_contact_creation_and_deal_close=Time between contact creation and deal close
  hs_time_between_contact_creation_and_deal_creation=Time between contact creation and deal creation
number calculation_rollup contactinformation Rhda
  hs_has_active_subscription=Contact has an active subscription
number calculation_score sales_properties Rda
  hubspotscore=HubSpot Score
number number analyticsinformation Rda
  hs_analytics_average_page_views=Average Pageviews
  hs_analytics_num_event_completions=Number of event completions
  hs_analytics_num_page_views=Number of Pageviews|hs_analytics_num_visits=Number of Sessions
  hs_analytics_revenue=Event Revenue
number number contact_activity Rda
  hs_predictivecontactscore=Predictive Lead Score|hs_predictivecontactscore_v2=Likelihood to close
  num_contacted_notes=Number of times contacted|num_notes=Number of Sales Activities
number number contactinformation RCda
  hs_object_id=Contact ID
number number contactinformation RChda
  hs_first_engagement_object_id=ID of first engagement|hs_time_to_first_engagement=Lead response time
number number contactinformation Rda
  hs_sequences_enrolled_count=Number of sequences enrolled
number number contactinformation Rdae
  hs_latest_sequence_enrolled=Last sequence enrolled
number number contactinformation Rhda
  associatedcompanylastupdated=Associated Company Last Updated|hs_created_by_user_id=Created by user ID
  hs_sequences_actively_enrolled_count=Number of sequences actively enrolled
  hs_updated_by_user_id=Updated by user ID|surveymonkeyeventlastupdated=SurveyMonkey Event Last Updated
  webinareventlastupdated=Webinar Event Last Updated
number number contactinformation hda
  associatedcompanyid=Associated Company ID
number number conversioninformation RCda
  num_conversion_events=Number of Form Submissions
  num_unique_conversion_events=Number of Unique Forms Submitted
number number deal_information RCda
  days_to_close=Days To Close
number number deal_information Rda
  num_associated_deals=Number of Associated Deals|recent_deal_amount=Recent Deal Amount
  total_revenue=Total Revenue
number number emailinformation Rda
  hs_email_bounce=Marketing emails bounced|hs_email_click=Marketing emails clicked
  hs_email_delivered=Marketing emails delivered|hs_email_open=Marketing emails opened
  hs_email_replied=Marketing emails replied
  hs_email_sends_since_last_engagement=Sends Since Last Engagement
number number socialmediainformation Rda
  hs_social_facebook_clicks=Facebook Clicks|hs_social_google_plus_clicks=Google Plus Clicks
  hs_social_linkedin_clicks=LinkedIn Clicks|hs_social_num_broadcast_clicks=Broadcast Clicks
  hs_social_twitter_clicks=Twitter Clicks
number number socialmediainformation da
  followercount=Follower Count
number number socialmediainformation dfa
  kloutscoregeneral=Klout Score|linkedinconnections=LinkedIn Connections
phone_number phonenumber contactinformation RChda
  hs_searchable_calculated_international_mobile_number=Calculated Mobile Number with country code
  hs_searchable_calculated_international_phone_number=Calculated Phone Number with country code
  hs_searchable_calculated_mobile_number=Calculated Mobile Number without country code
  hs_searchable_calculated_phone_number=Calculated Phone Number without country code
string text analyticsinformation Rda
  hs_analytics_first_referrer=First Referring Site
  hs_analytics_first_touch_converting_campaign=First Touch Converting Campaign
  hs_analytics_first_url=First Page Seen|hs_analytics_last_referrer=Last Referring Site
  hs_analytics_last_touch_converting_campaign=Last Touch Converting Campaign
  hs_analytics_last_url=Last Page Seen|hs_analytics_source_data_1=Original Source Drill-Down 1
  hs_analytics_source_data_2=Original Source Drill-Down 2
  hs_latest_source_data_1=Latest Source Drill-Down 1|hs_latest_source_data_2=Latest Source Drill-Down 2
string text contact_activity RCda
  first_conversion_event_name=First Conversion
string text contact_activity Rda
  engagements_last_meeting_booked_campaign=Campaign of last booking in meetings tool
  engagements_last_meeting_booked_medium=Medium of last booking in meetings tool
  engagements_last_meeting_booked_source=Source of last booking in meetings tool
  hs_feedback_last_nps_follow_up=Last NPS survey comment
string text contactinformation RCda
  hs_email_domain=Email Domain
string text contactinformation RChda
  hs_calculated_mobile_number=Calculated Mobile Number in International Format
  hs_calculated_phone_number=Calculated Phone Number in International Format
  hs_calculated_phone_number_area_code=Calculated Phone Number Area Code
  hs_calculated_phone_number_country_code=Calculated Phone Number Country Code
  hs_calculated_phone_number_region_code=Calculated Phone Number Region
string text contactinformation Rda
  hs_content_membership_registration_domain_sent_to=Domain to which registration email was sent
  hs_marketable_reason_id=Marketing contact status source name
string text contactinformation Rha
  hs_testpurge=testpurge|hs_testrollback=testrollback
string text contactinformation Rhda
  hs_avatar_filemanager_key=Avatar FileManager key
  hs_conversations_visitor_email=Conversations visitor email
string text contactinformation Rhdau
  hs_unique_creation_key=Unique creation key
string text contactinformation dfa
  address=Street Address|city=City|company=Company Name|email=Email|fax=Fax Number|firstname=First Name
  jobtitle=Job Title|lastname=Last Name|mobilephone=Mobile Phone Number|phone=Phone Number
  twitterhandle=Twitter Username|website=Website URL|zip=Postal Code
string text contactinformation f
  annualrevenue=Annual Revenue|country=Country/Region|industry=Industry|salutation=Salutation
  state=State/Region
string text conversioninformation RCda
  recent_conversion_event_name=Recent Conversion
string text conversioninformation Rda
  hs_ip_timezone=IP Timezone|ip_city=IP City|ip_country=IP Country|ip_country_code=IP Country Code
  ip_state=IP State/Region|ip_state_code=IP State Code/Region Code
string text conversioninformation Rhda
  ip_latlon=IP Latitude & Longitude|ip_zipcode=IP Zipcode
string text conversioninformation da
  hs_facebook_click_id=Facebook click id|hs_google_click_id=Google ad click id
string text emailinformation Rda
  hs_email_last_email_name=Last marketing email name
string text emailinformation Rhdao
  hs_email_hard_bounce_reason=Email hard bounce reason
string text facebook_ads_properties f
  company_size=Company size|date_of_birth=Date of birth|degree=Degree|field_of_study=Field of study
  gender=Gender|graduation_date=Graduation date|job_function=Job function|marital_status=Marital Status
  military_status=Military status|relationship_status=Relationship Status|school=School|seniority=Seniority
  start_date=Start date|work_email=Work email
string text sales_properties -
  owneremail=HubSpot Owner Email (legacy)
string text sales_properties da
  ownername=HubSpot Owner Name (legacy)
string text socialmediainformation da
  twitterprofilephoto=Twitter Profile Photo
string text socialmediainformation dfa
  linkedinbio=LinkedIn Bio|twitterbio=Twitter Bio
string text socialmediainformation h
  hs_facebookid=Facebook ID|hs_googleplusid=googleplus ID|hs_linkedinid=Linkedin ID|hs_twitterid=Twitter ID
string text socialmediainformation hdfa
  photo=Photo
string textarea contact_activity da
  hs_content_membership_notes=Membership Notes
string textarea contact_activity dfa
  message=Message
string text contactinformation Rda
  hs_object_source=Record source|hs_object_source_label=Record source label
  hs_object_source_id=Record source ID|hs_object_source_detail_1=Record source detail 1
"""

COMPANY = """
string text companyinformation dfa
  name=Company name|domain=Company Domain Name|website=Website URL|phone=Phone Number|address=Street Address
  address2=Street Address 2|city=City|state=State/Region|zip=Postal Code|country=Country/Region
  description=Description|linkedin_company_page=LinkedIn Company Page
enumeration select companyinformation dfa
  industry=Industry
number number companyinformation dfa
  numberofemployees=Number of Employees|annualrevenue=Annual Revenue
enumeration radio companyinformation dfa
  lifecyclestage=Lifecycle Stage
enumeration select companyinformation dae
  hubspot_owner_id=Company owner
datetime date companyinformation Rda
  createdate=Create Date|hs_createdate=Object create date/time|hs_lastmodifieddate=Last Modified Date
number number companyinformation RCda
  hs_object_id=Company ID
enumeration select companyinformation RCda
  hs_additional_domains=Additional Domains
enumeration checkbox companyinformation Rhda
  hs_merged_object_ids=Merged object IDs
"""

OPTIONS = """
hs_analytics_source
  ORGANIC_SEARCH=Organic Search|PAID_SEARCH=Paid Search|EMAIL_MARKETING=Email Marketing
  SOCIAL_MEDIA=Organic Social|REFERRALS=Referrals|OTHER_CAMPAIGNS=Other Campaigns
  DIRECT_TRAFFIC=Direct Traffic|OFFLINE=Offline Sources|PAID_SOCIAL=Paid Social
hs_buying_role
  BLOCKER=Blocker|BUDGET_HOLDER=Budget Holder|CHAMPION=Champion|DECISION_MAKER=Decision Maker
  END_USER=End User|EXECUTIVE_SPONSOR=Executive Sponsor|INFLUENCER=Influencer
  LEGAL_AND_COMPLIANCE=Legal & Compliance|OTHER=Other
hs_content_membership_status
  active=Active|inactive=Inactive
hs_email_customer_quarantined_reason
  SUSPENSION_REMEDIATION=Suspension Remediation|BLOCKLIST_REMEDIATION=Blocklist Remediation
  TRUST_SAFETY_REMEDIATION=Trust & Safety Remediation
hs_email_hard_bounce_reason
  CONTENT=Content|MAILBOX_FULL=Mailbox full|OTHER=Other|POLICY=Policy|SPAM=Spam|UNKNOWN_USER=Unknown user
hs_email_hard_bounce_reason_enum
  CONTENT=Content|MAILBOX_FULL=Mailbox full|OTHER=Other|POLICY=Policy|SPAM=Spam|UNKNOWN_USER=Unknown user
hs_email_quarantined_reason
  ON_LIST_IMPORT=Suspicious List Import|HIGH_HARD_BOUNCE_RATE=High Hard Bounce Rate
  MULTIPLE_CANCELLED_CAMPAIGNS=Multiple Cancelled Campaigns|FORM_ABUSE=Suspicious Form Activity
  RECIPIENT_COMPLAINT=Recipient Complaint|SUSPENSION_REMEDIATION=Suspension Remediation
  BLOCKLIST_REMEDIATION=Blocklist Remediation|TRUST_SAFETY_REMEDIATION=Trust & Safety Remediation
  OTHER=Other
hs_emailconfirmationstatus
  Confirmed|Confirmation Pending|Confirmation Email Sent|User clicked confirmation
  HubSpot Rep. marked confirmed|Customer marked confirmed|Confirmed from previous behavior
  Confirmed due to form
hs_feedback_last_nps_rating
  0|1|2|3|4|5|6|7|8|9|10
hs_language
  af=Afrikaans|sq=Albanian|sq-al=Albanian - Albania|ar=Arabic|ar-dz=Arabic - Algeria|ar-bh=Arabic - Bahrain
  ar-eg=Arabic - Egypt|ar-iq=Arabic - Iraq|ar-jo=Arabic - Jordan|ar-kw=Arabic - Kuwait
  bg=Bulgarian|cs=Czech|da=Danish|de=German|de-at=German - Austria|de-ch=German - Switzerland
  de-de=German - Germany|el=Greek|en=English|en-gb=English - United Kingdom|en-us=English - United States
  es=Spanish|es-es=Spanish - Spain|et=Estonian|fi=Finnish|fr=French|fr-be=French - Belgium
  fr-fr=French - France|hu=Hungarian|it=Italian|ja=Japanese|lt=Lithuanian|lv=Latvian|nl=Dutch
  nl-be=Dutch - Belgium|nl-nl=Dutch - Netherlands|no=Norwegian|pl=Polish|pt=Portuguese|ro=Romanian
  sk=Slovak|sl=Slovenian|sv=Swedish|tr=Turkish|uk=Ukrainian|zh-cn=Chinese - China
hs_latest_source
  ORGANIC_SEARCH=Organic Search|PAID_SEARCH=Paid Search|EMAIL_MARKETING=Email Marketing
  SOCIAL_MEDIA=Organic Social|REFERRALS=Referrals|OTHER_CAMPAIGNS=Other Campaigns
  DIRECT_TRAFFIC=Direct Traffic|OFFLINE=Offline Sources|PAID_SOCIAL=Paid Social
hs_lead_status
  NEW=New|OPEN=Open|IN_PROGRESS=In Progress|OPEN_DEAL=Open Deal|UNQUALIFIED=Unqualified
  ATTEMPTED_TO_CONTACT=Attempted to Contact|CONNECTED=Connected|BAD_TIMING=Bad Timing
hs_legal_basis
  Legitimate interest – prospect/lead=Legitimate interest - prospect/lead
  Legitimate interest – existing customer=Legitimate interest - existing customer
  Legitimate interest - other|Performance of a contract|Freely given consent from contact|Not applicable
hs_marketable_reason_type
  AD=Ad|CONTACT_IMPORT=Contact Import|CONVERSATION=Conversation|FORM_SUBMISSION=Form Submission
  INITIAL_STATE=Initial State|INTEGRATOR_SET=Integrator Set|USER_SET=User Set|WORKFLOW=Workflow
hs_marketable_status
  true=Marketing contact|false=Non-marketing contact
hs_marketable_until_renewal
  true=Yes|false=--
hs_predictivecontactscorebucket
  bucket_1=1 Star|bucket_2=2 Stars|bucket_3=3 Stars|bucket_4=4 Stars
hs_predictivescoringtier
  tier_1=Very High|tier_2=High|tier_3=Medium|tier_4=Low|closed_won=Closed Won
hs_sa_first_engagement_descr
  EMPTY_DESCRIPTION=|BOUNCED=Bounced|BUSY=Busy|CALLING_CRM_USER=Calling CRM user|CANCELED=Canceled
  COMPLETED=Completed|CONNECTING=Connecting|DEFERRED=Deferred|FB_MESSENGER=Facebook Messenger|FAILED=Failed
  IN_PROGRESS=In progress|LIVE_CHAT=Live chat|LOGGED_CALL=Logged call|NO_ANSWER=No answer|NO_SHOW=No show
  NOT_STARTED=Not started|QUEUED=Queued|RESCHEDULED=Rescheduled|RINGING=Ringing|SCHEDULED=Scheduled
  SENDING=Sending|SENT=Sent|WAITING=Waiting
hs_sa_first_engagement_object_type
  CALL=Call|CONVERSATION_SESSION=Conversation session|EMAIL=Email|MEETING_EVENT=Meeting|TASK=Task
hs_timezone
  pacific_slash_midway=UTC -11:00 Pacific Midway|pacific_slash_niue=UTC -11:00 Pacific Niue
  pacific_slash_pago_pago=UTC -11:00 Pacific Pago Pago|pacific_slash_samoa=UTC -11:00 Pacific Samoa
  us_slash_samoa=UTC -11:00 US Samoa|pacific_slash_honolulu=UTC -10:00 Pacific Honolulu
  pacific_slash_johnston=UTC -10:00 Pacific Johnston|pacific_slash_rarotonga=UTC -10:00 Pacific Rarotonga
  pacific_slash_tahiti=UTC -10:00 Pacific Tahiti|us_slash_hawaii=UTC -10:00 US Hawaii
lifecyclestage
  subscriber=Subscriber|lead=Lead|marketingqualifiedlead=Marketing Qualified Lead
  salesqualifiedlead=Sales Qualified Lead|opportunity=Opportunity|customer=Customer|evangelist=Evangelist
  other=Other
numemployees
  1-5|5-25|25-50|50-100|100-500|500-1000|1000+
industry
  ACCOUNTING=Accounting|BANKING=Banking|COMPUTER_SOFTWARE=Computer Software|CONSTRUCTION=Construction
  FOOD_PRODUCTION=Food Production|INSURANCE=Insurance|RETAIL=Retail|WHOLESALE=Wholesale
"""

#: Lifecycle stages, in the order in which a contact passes through them.
STAGES = {
    "subscriber": "Subscriber",
    "lead": "Lead",
    "marketingqualifiedlead": "Marketing Qualified Lead",
    "salesqualifiedlead": "Sales Qualified Lead",
    "opportunity": "Opportunity",
    "customer": "Customer",
    "evangelist": "Evangelist",
    "other": "Other",
}
