"""Names that are common enough to tell by: which word of a name is a given and which a family name.

Compared in lower case. A name that is missing here costs nothing but a look by a person: what cannot be told stays
whole. So a list holds only names that hardly ever are the other kind.
"""

from __future__ import annotations

# Where one of these stands last and no given name first, the family name may stand first.
_EUROPEAN_GIVEN = """
adam adrian agnieszka alain alan albert alberto alejandro alessandro alex alexander alexandra alexandre alfred alfredo
alice alicia alina alison amanda amelia amy ana andrea andreas andrei andrew andré andrzej angela angelika ann anna anne
annie antoine anton antonio antónio antônio arthur astrid barbara beatriz ben benjamin bernard bernd bert beth bob
brigitte bruno camille carl carla carlo carlos carmen carol caroline catherine cecilia charles charlotte chris christian
christina christine christoph christopher claire clara claude claudia claudio cristina daniel daniela daniele david
deborah denis diana diego dieter dirk dmitry dominik dominique donald dorothy dylan eduardo edward elena eleanor elias
elisabeth elise elizabeth ella elsa emil emily emma enrico eric erik erika ernst esther eugen eva evelyn fabio federico
felix fernando filip florence florian francesca francesco francis francisco franco frank frans franz fred frederik
friedrich gabriel gabriela gabriele gary george georg gerard gerd gerhard giacomo gianni gilles giorgio giovanni giulia
giuseppe gloria grace grzegorz guido guillaume gustav günter hannah hans harry heinrich heinz helen helena henri
henrik henry herbert hermann horst hugo ian ida igor ines ingrid irene iris isabel isabella ivan ivo jacek jack jacob
jacqueline jacques jakob jakub james jan jane janet jean jeanne jennifer jens jeremy jessica jim jo joan joanna joe
joel johan johann johanna johannes john jonas jonathan joost jordi jorge josé josef joseph joão juan juana judith jules
julia julian julie julien jörg jürgen karel karen karin karl katarzyna kate katharina katherine kathleen kathryn
katrin kevin klaus konrad krzysztof kurt lars laura laurent lena leo leon leonardo liam lisa lorenzo louis louise luc
luca lucas lucia lucie lucy ludwig luigi luis luise luiz lukas luther lynn maarten magdalena manfred manuel marc marcel
marco marcos marek margaret margit margot maria marie marina mario marion mark markus marta martha martin martina
mary mary-jane maría mateusz mathias mathieu matteo matthew matthias maurice max maximilian megan melanie michael
michal michał michel michele michelle miguel mike monica monika nadia natalia natalie nathalie nicholas nick
nicola nicolas nicole nils nina noah nora norbert olga oliver olivia oscar otto pablo pamela paola paolo patricia
patrick paul paula pauline pavel pedro pere peter petr petra philip philippe pierre pieter piotr rachel rafael
rainer ralf raphael raul rebecca reinhard renate renata ricardo richard rita robert roberto robin roger roland
rolf roman ronald rosa rose ruth ryan sabine sally sam samuel sandra sara sarah sebastian sebastião sergio silvia simon
simone sofia sonia sophia sophie stefan stefania stefano stephan stephanie stephen steve steven susan susanna susanne
sven sylvia tanja tatiana teresa theo theodor thérèse thomas tim timothy tobias tom tomasz toni ulrich ulrike ursula
valentina valerie vera veronica victor victoria viktor vincent vincenzo virginia walter werner wilhelm will willem
william wolfgang xavier yves zofia édouard élise émile éric étienne ángel álvaro úrsula žofia
"""
# Names that stand between as well as anywhere else, but that are family names too.
_OTHER_GIVEN = """
abdullah ahmad ahmed ali amina amir anwar aziz fahd faisal farid fatima fatma hamid hasan hassan hussein ibrahim
iman ismail jamal kamal karim khaled khalid khalil layla leila mahmoud mariam maryam mohamad mohamed mohammad mohammed
muhammad mustafa nasser omar osman rahman rashid saleh salim salman samir sami sultan tariq umar usman yasmin youssef
abdallah yusuf zayed zainab
anil arjun ashok devi chandra deepak gopal hari jayanti kaur kiran krishna kumar kumari lakshmi lal mohan mohandas nath
narayan om priya prakash prasad raj raja rajesh rama ravi sanjay shankar singh sunil suresh vijay venkata
ann lee kim lou may rae sue jay ray bill ted tony dan greg jeff ken larry lauren leigh brooke dawn faith hope joy june
scott todd wayne dale dean earl glenn blake brett chad craig cole kyle logan mason
clemens fitzgerald quincy delano hussein wolfgang amadeus
محمد أحمد علي عبدالله حسن حسين خالد فاطمة عمر يوسف إبراهيم مصطفى محمود
"""
_CYRILLIC_GIVEN = """
александр алексей анатолий андрей анна антон артём борис вадим валентин валерий василий вера виктор виталий владимир
владислав вячеслав галина геннадий георгий григорий дарья денис дмитрий евгений евгения екатерина елена иван игорь илья
ирина кирилл константин ксения леонид людмила лариса любовь максим марина мария михаил надежда наталья никита николай
оксана олег ольга павел пётр роман светлана сергей станислав степан татьяна фёдор юлия юрий яна
олександр олексій андрій дмитро володимир ігор михайло микола наталія олена сергій тарас юлія
"""
_HUNGARIAN_GIVEN = """
jános istván lászló józsef zoltán sándor gábor ferenc attila péter tamás zsolt tibor andrás csaba imre lajos györgy
balázs gyula mihály károly róbert béla dániel ádám krisztián miklós bence máté levente szabolcs gergely ákos dezső
mária erzsébet katalin ilona éva zsuzsanna judit ágnes krisztina irén eszter magdolna mónika szilvia anikó márta tímea
ildikó réka zsófia nóra piroska györgyi klára viktória orsolya tünde emese boglárka enikő jolán zsuzsa
"""
_HUNGARIAN_FAMILY = """
nagy kovács tóth szabó horváth varga kiss molnár németh farkas balogh papp takács juhász lakatos mészáros oláh rácz
fekete szilágyi török fehér gál szűcs kocsis pintér fodor szalai sipos magyar lukács gulyás bíró király katona balog
boros fazekas somogyi váradi fülöp orosz vincze veres hegedűs deák bognár bartók ligeti szőke puskás
"""
_IBERIAN_FAMILY = """
garcía garcia rodríguez rodriguez gonzález gonzalez fernández fernandez lópez lopez martínez martinez sánchez sanchez
pérez perez gómez gomez jiménez jimenez ruiz hernández hernandez díaz diaz moreno muñoz álvarez alvarez romero alonso
gutiérrez gutierrez navarro torres domínguez dominguez vázquez vazquez ramos gil ramírez ramirez serrano blanco molina
morales suárez suarez ortega delgado castro ortiz rubio marín sanz núñez nuñez nunez iglesias medina garrido cortés
cortes castillo lozano guerrero cano prieto méndez mendez cruz calvo gallego vidal león herrera márquez marquez peña
flores cabrera campos vega fuentes carrasco reyes caballero nieto aguilar pascual herrero lorenzo montero hidalgo
giménez ibáñez ferrer durán santiago benítez vargas mora vicente arias carmona crespo román pastor soto sáez velasco
soler moya parra bravo rojas gasset picasso lorca cervantes saavedra borges neruda allende bolívar quintero salazar
acosta mejía guzmán guzman espinosa espinoza valdez contreras estrada rivera figueroa zapata ochoa cárdenas maldonado
silva santos ferreira pereira oliveira costa rodrigues martins jesus sousa souza fernandes gonçalves goncalves gomes
lopes marques alves almeida ribeiro pinto carvalho teixeira moreira correia mendes nunes soares vieira monteiro
cardoso rocha neves coelho pires reis fonseca machado araújo araujo barbosa lima azevedo cunha barros nascimento
"""
_VIETNAMESE_FAMILY = """
nguyễn trần lê phạm hoàng huỳnh vũ võ đặng bùi đỗ hồ ngô dương lý đoàn đào đinh trương lâm phùng mạc tạ
nguyen tran pham huynh
"""
_KOREAN_FAMILY = """
kim lee park choi jung jeong kang cho yoon yun jang lim im han oh seo shin kwon hwang ahn song ryu yoo hong jeon moon
son bae baek heo nam sim noh ha kwak sung cha joo woo koo min ban rhee yi pak
"""
_CHINESE_FAMILY = """
wang zhang zhao zhou huang xu zhu mao deng xi jiang hu liu chen yang wu sun ma gao lin guo luo zheng liang song tang
feng cao peng zeng xiao tian dong pan yuan cai yu du ye cheng wei su lu lü jia ding xue yan fu zhong jin shi tan
he li qian shen yao cui liao fang qiu qin gu hou shao meng long wan duan lei hao kong bai lai wen
wong chan cheung leung ng lam cheng chow kwok lau yeung tam lim teo goh koh ong chua chong chin hsu hsieh tsai chiang
"""
_JAPANESE_FAMILY = """
tanaka suzuki sato satō takahashi watanabe ito itō yamamoto nakamura kobayashi kato katō yoshida yamada sasaki yamaguchi
matsumoto inoue kimura hayashi shimizu saito saitō mori abe ikeda hashimoto ishikawa ogawa goto gotō okada fujita
murakami hasegawa kondo kondō ishii sakamoto endo endō aoki fujii nishimura fukuda ota miura okamoto nakajima fujiwara
matsuda maeda kurosawa miyazaki nakagawa harada ono tamura takeuchi kaneko wada nakayama ueda morita
"""
_HAN_FAMILY = (
    "王李张張刘劉陈陳杨楊黄黃赵趙吴吳周徐孙孫马馬朱胡林郭何高罗羅郑鄭梁谢謝宋唐许許邓鄧韩韓冯馮曹彭曾肖蕭"
    "田董潘袁蔡蒋蔣余于杜叶葉程魏苏蘇吕呂丁任卢盧姚沈钟鍾姜崔谭譚陆陸范汪廖石金韦韋贾賈夏付方邹鄒熊白孟秦"
    "邱侯江尹薛闫阎段雷龙龍黎史陶贺賀毛郝顾顧龚龔邵万萬覃武钱錢戴严嚴莫孔向常温"
)
_KANJI_FAMILY = """
佐藤 鈴木 高橋 田中 伊藤 渡辺 渡邊 渡邉 山本 中村 小林 加藤 吉田 山田 佐々木 山口 松本 井上 木村 清水
山崎 阿部 池田 橋本 石川 山下 中島 石井 小川 前田 岡田 長谷川 藤田 後藤 近藤 村上 遠藤 青木 坂本 斎藤
斉藤 齋藤 福田 太田 西村 藤井 金子 岡本 藤原 三浦 中野 中川 原田 松田 竹内 小野 田村 中山 和田 石田
森田 上田 宮崎 内田 柴田 酒井 宮本 横山 大野 高木 安藤 谷口 今井 村田 黒澤
"""
_HANGUL_FAMILY = (
    "김이박최정강조윤장임한오서신권황안송류유전홍고문양손배백허남심노하곽성차주우구민나진지엄채원천방공현"
    "함변염여추도소석선설마길연위표명기반왕금옥육인맹제모탁국은편용"
)

EUROPEAN_GIVEN = frozenset(_EUROPEAN_GIVEN.split())
CYRILLIC_GIVEN = frozenset(_CYRILLIC_GIVEN.split())
HUNGARIAN_GIVEN = frozenset(_HUNGARIAN_GIVEN.split())
GIVEN = EUROPEAN_GIVEN | CYRILLIC_GIVEN | HUNGARIAN_GIVEN | frozenset(_OTHER_GIVEN.split())
HUNGARIAN_FAMILY = frozenset(_HUNGARIAN_FAMILY.split())
IBERIAN_FAMILY = frozenset(_IBERIAN_FAMILY.split())
VIETNAMESE_FAMILY = frozenset(_VIETNAMESE_FAMILY.split())
KOREAN_FAMILY = frozenset(_KOREAN_FAMILY.split())
EAST_ASIAN_FAMILY = KOREAN_FAMILY | frozenset(_CHINESE_FAMILY.split()) | frozenset(_JAPANESE_FAMILY.split())
HAN_FAMILY = frozenset(_HAN_FAMILY)
KANJI_FAMILY = frozenset(_KANJI_FAMILY.split())
HANGUL_FAMILY = frozenset(_HANGUL_FAMILY)
