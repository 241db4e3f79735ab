"""Words in names that are no names: titles, suffixes, particles, and the words of companies and households.

Compared in lower case and without full stops.
"""

from __future__ import annotations

_PREFIXES = """
mr mrs ms miss mx mister madam madame mme mlle mademoiselle monsieur herr frau fräulein dhr mevr mw heer mevrouw
sr sra srta señor señora señorita doña sig sigra signor signora signore hr fr fru frk pani pán paní
dr doctor drs dra dott dottssa prof professor profesor professore professeur profdr ing dipl dipl-ing ir mag mgr lic
phdr mudr judr rndr med habil rer nat pharm univ-prof priv-doz dr-ing drhc hc avv arch geom dkfm maître
sir dame lord lady baroness countess duchess princess queen emperor
rev reverend father padre brother sister rabbi imam sheikh shaykh sheik hajji haji mullah cardinal bishop pope
hon honorable honourable judge senator sen representative rep governor gov president pres mayor ambassador amb
captain capt cpt colonel col general gen maj lieutenant lt sergeant sgt corporal cpl private pvt admiral adm
commander cmdr officer inspector
datuk dato sri tun datin puan encik tengku shri smt kumari pandit ustad
г-н г-жа господин госпожа д-р проф др пані κ κα κος δρ
السيد السيدة الدكتور الأستاذ د أ الشيخ ד״ר מר גב׳ פרופ׳ श्री श्रीमती डॉ
"""
# These are names too: Don Johnson, Duke Ellington, Prince Rogers Nelson.
_UNSURE_PREFIXES = "don dom earl duke prince king count baron major justice pastor pan tan"
# Titles after which people are called by their given name.
_GIVEN_TITLES = """
sir dame lady queen princess emperor pope brother sister father padre imam sheikh shaykh sheik doña rabbi
ustad hajji haji mullah tun tengku
"""
_SUFFIXES = """
jr sr junior senior jnr snr 2nd 3rd 4th ii iii iv vi vii viii phd dphil md dds dmd dvm esq esquire mba msc bsc llb llm
jd cpa cfa pmp rn frcs frcp fca obe mbe cbe kbe qc kc mp oam sj osb csc cissp pe edd psyd ret
mph mbchb mbbs frs facs faia aia cfp pharmd dnp msw lcsw mdiv filho neto sobrinho hijo nieto fils père
"""
# These are names too, so they count only where they are written as abbreviations or after a comma.
_UNSURE_SUFFIXES = "v i x ma ba do ms bs be me ed od rph sc dc ca cp am pc"
_PARTICLES = """
van von vom vander vanden vande de der den del dela della dello dei degli di da do du dos das des d' d’ la le las los lo
ter ten te tot 't ’t zu zum zur af av auf an in het op aan
al el ul ad ash as az bin ibn bint binti ben bar abu umm ap ab ferch fitz mac mc o' san santa st saint sainte
ait ould uld nic ní ni ó ua uí
بن ابن بنت أبو ابو آل עבד בן בת בר
"""
# These are words of names too, so they count only in lower case.
_LOWER_PARTICLES = "te tot an in auf het op aan af av ad as az ab ap do das bar ni san"
_CONJUNCTIONS = "y e i"  # between two family names: Ortega y Gasset
_COUPLES = "and und et en og och & + и та و"  # between two people
_BOUND = "abdul abdel abdal abdur abd عبد"  # these open a name that goes on: Abdul Aziz
_MARIAN = "carmen ángeles angeles pilar luz rosario mar dolores consuelo rocío socorro lourdes mercedes fátima sagrario"
_NO_PERSON = """
ltd limited gmbh inc incorporated llc llp plc corp corporation company cie pty sdn bhd gbr mbh kft zrt bvba vzw asbl
sarl srl sprl spol sro doo ood eood oü aps oyj ооо оао зао пао тов фоп
group gruppe groupe holding holdings partners associates brothers sons bros bank hotel hôtel restaurant ristorante café
cafe pizzeria bakery bäckerei school schule école university universität université universidad hospital clinic klinik
clinique church kirche office dept department abteilung team support service services sales info reception helpdesk
hotline association foundation stiftung fundación fondation club verein society ministry council shop store studio
consulting solutions systems technologies technology software insurance versicherung pharmacy apotheke pharmacie taxi
garage salon airlines airport embassy praxis arztpraxis kanzlei hausverwaltung notariat institute institut center centre
zentrum museum library bibliothek theater theatre agency agentur agence industries international enterprises logistics
trading construction design media marketing
director ceo cto cfo engineer accountant assistant secretary
the family familie famille familia família fam rodzina eheleute ehepaar mom mum dad papa mama mami oma opa aunt auntie
uncle tante onkel tía tío grandma grandpa nonna nonno
"""
# These are no persons only at the end and in capitals or with full stops.
_LEGAL_FORMS = "sa ab as ag kg se nv bv oy pt cv ud spa co ug ev ek lda sas snc"
_EAST_NO_PERSON = "公司 株式会社 有限 合同会社 银行 銀行 大学 學校 医院 病院 회사 은행 대학 병원"
_EAST_HONORIFICS = "様 さん さま 先生 氏 殿 君 씨 님 선생님 女士 小姐 教授 博士"
_COMPOUND = (
    "欧阳 歐陽 司马 司馬 诸葛 諸葛 上官 司徒 夏侯 皇甫 尉迟 东方 東方 令狐 慕容 남궁 선우 황보 제갈 사공 독고 서문 동방"
)

PREFIXES = frozenset(_PREFIXES.split())
UNSURE_PREFIXES = frozenset(_UNSURE_PREFIXES.split())
GIVEN_TITLES = frozenset(_GIVEN_TITLES.split())
SUFFIXES = frozenset(_SUFFIXES.split())
UNSURE_SUFFIXES = frozenset(_UNSURE_SUFFIXES.split())
PARTICLES = frozenset(_PARTICLES.split())
LOWER_PARTICLES = frozenset(_LOWER_PARTICLES.split())
CONJUNCTIONS = frozenset(_CONJUNCTIONS.split())
COUPLES = frozenset(_COUPLES.split())
BOUND = frozenset(_BOUND.split())
MARIAN = frozenset(_MARIAN.split())
NO_PERSON = frozenset(_NO_PERSON.split())
LEGAL_FORMS = frozenset(_LEGAL_FORMS.split())
EAST_NO_PERSON = tuple(_EAST_NO_PERSON.split())
EAST_HONORIFICS = frozenset(_EAST_HONORIFICS.split())
COMPOUND_SURNAMES = frozenset(_COMPOUND.split())
